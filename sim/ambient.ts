/** While a run lasts, nothing may ask the machine for time, chance or a turn later: the same seed must give the same run. */

/** What stands in the way of determinism, as (owner, name). */
function ambients(): [owner: Record<string, unknown>, name: string][] {
  const world = globalThis as unknown as Record<string, unknown>;
  const names = ["Date", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"];
  return [
    ...names.map((name): [Record<string, unknown>, string] => [world, name]),
    [Math as unknown as Record<string, unknown>, "random"],
    [performance as unknown as Record<string, unknown>, "now"],
    [crypto as unknown as Record<string, unknown>, "getRandomValues"],
    [crypto as unknown as Record<string, unknown>, "randomUUID"],
  ];
}

/** Runs `run`; in it, each of those throws an error that names it. They are back when this returns or throws. */
export function withoutAmbients<T>(run: () => T): T {
  const kept = ambients().map(([owner, name]) => ({ owner, name, own: Object.getOwnPropertyDescriptor(owner, name) }));
  for (const { owner, name } of kept) {
    const forbidden = function (): never {
      throw new Error(`${name} was asked inside a simulation: only the simulated ports may be`);
    };
    Object.assign(forbidden, { now: forbidden });
    Object.defineProperty(owner, name, { value: forbidden, configurable: true, writable: true });
  }
  try {
    return run();
  } finally {
    for (const { owner, name, own } of kept) {
      if (own === undefined) delete owner[name];
      else Object.defineProperty(owner, name, own);
    }
  }
}
