/** Imported before `worlds.ts`: this process runs the suites by the RocksDB package for later Node versions. */
process.env["METASTORE_TEST_ROCKSDB"] = "@nxtedition/rocksdb";
