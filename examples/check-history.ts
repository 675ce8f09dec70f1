/** A history of your own store, checked. This store answers reads from a replica that lags behind. */
import { check, type Operation } from "metastore/checker";

const [primary, replica] = [new Map<string, string>(), new Map<string, string>()];
const history: Operation[] = [];
let clock = 0;

function put(client: number, key: string, value: string): void {
  const call = ++clock;
  primary.set(key, value);
  history.push({ client, op: "put", key, value, call, return: ++clock, outcome: "ok" });
}

function get(client: number, key: string): void {
  const call = ++clock;
  const value = replica.get(key) ?? null;
  history.push({ client, op: "get", key, value, call, return: ++clock, outcome: "ok" });
}

put(1, "a", "v1");
get(2, "a");
const verdict = check(history);
console.log(verdict.verdict === "illegal" ? `illegal: ${verdict.sentence}` : verdict.verdict);
