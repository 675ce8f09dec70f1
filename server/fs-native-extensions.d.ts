/** The part of fs-native-extensions 1 that is used here: an advisory lock of the kernel on a range of an open file. */
declare module "fs-native-extensions" {
  /** False where another open file holds a lock on the range. Throws with a `code` where the file system has no locks. */
  function tryLock(fd: number, offset: number, length: number): boolean;
  const library: { readonly tryLock: typeof tryLock };
  export default library;
}
