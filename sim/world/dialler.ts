/** What the dialler's end of a stream needs of the host that dials. */
import type { Node } from "../../core/node/node.ts";
import type { Dialler } from "../../core/protocol/connection.ts";
import type { Envelope } from "../../core/protocol/message.ts";
import type { FoundStarts } from "./found-starts.ts";

/** The machine that dials. */
type Dialling = {
  readonly found: FoundStarts;
  hear(envelope: Envelope, answer: (envelope: Envelope) => void, dialled: string): void;
};

/** For one boot of the host's process, which is `node`; answers come from `dialled`, a URL. */
export function diallerOf(host: Dialling, node: Node, dialled: string): Dialler {
  return {
    checkListener: (theirs, accepts) => {
      const checked = node.checkListener(theirs, accepts);
      if (checked.ok && theirs.takesPart && node.replica !== null) host.found.add(theirs);
      return checked;
    },
    isBound: (theirs) => node.isBound(theirs),
    receive: (envelope) => host.hear(envelope, () => undefined, dialled),
  };
}
