/** A model of your own: a lock that one client holds at a time. `initial` and `step` are all that it must tell. */
import { type Call, checkModel, type Model } from "metastore/checker";

type Request = { readonly op: "acquire" | "release"; readonly client: number };

/** The state is who holds the lock, 0 for nobody; the output, whether the request was granted. */
const lock: Model<number, Request, boolean> = {
  initial: 0,
  step: (holder, { op, client }, granted) => {
    const mayBe = op === "acquire" ? holder === 0 : holder === client;
    // Without an output the client has seen no answer: any would have been right.
    if (granted !== undefined && granted !== mayBe) return undefined;
    if (!mayBe) return holder;
    return op === "acquire" ? client : 0;
  },
};

const calls: Call<Request, boolean>[] = [
  { input: { op: "acquire", client: 1 }, output: true, call: 1, return: 2 },
  // Client 1 has lost the answer to its release, so that it may have happened at any time since.
  { input: { op: "release", client: 1 }, output: undefined, call: 3, return: Infinity },
  { input: { op: "acquire", client: 2 }, output: true, call: 4, return: 5 },
];
console.log(checkModel(lock, calls).verdict);

const third: Call<Request, boolean> = { input: { op: "acquire", client: 3 }, output: true, call: 6, return: 7 };
const found = checkModel(lock, [...calls, third]);
console.log(found.verdict === "illegal" ? `illegal: call ${found.at + 1} fits into no order` : found.verdict);
