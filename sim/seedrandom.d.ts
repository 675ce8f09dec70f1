declare module "seedrandom/lib/alea.js" {
  /** A generator of doubles in [0, 1), the same for the same seed everywhere. */
  export default function alea(seed: string): () => number;
}
