/**
 * The node without the machine: Raft, its log, its rows, and the ports by which a host gives it clock, disk, network and
 * chance. Nothing here touches Node; examples/embedded-node.ts is a small host.
 */
export { BadBytes, Reader, Writer } from "./bytes.ts";
export { always, type Command, type Condition, keyBytesMax } from "./kv/command.ts";
export type { Applied, Row } from "./kv/machine.ts";
export { type SessionLimits, sessionLimits } from "./kv/sessions.ts";
export { type LimitsOf, limitTable, type PageLimits, pageLimits } from "./limits.ts";
export { nodeDefaults } from "./node/defaults.ts";
export { Node } from "./node/node.ts";
export type { NodePorts } from "./node/context.ts";
export {
  type ChangeFailure,
  type ChangeFailureCode,
  type ChangeRefused,
  type ChangeResult,
  isRefusedChange,
  type Ending,
  type EndingCode,
  type Failure,
  type FailureCode,
  type NodeOptions,
  noSession,
  type ReadOutcome,
  type RowAt,
  type SessionKey,
  type WriteOutcome,
} from "./node/options.ts";
export type { Readiness } from "./node/readiness.ts";
export type { MemberStatus, Status } from "./node/status.ts";
export type {
  Clock,
  Disk,
  DiskError,
  DiskFile,
  Fact,
  KvChange,
  KvScan,
  Network,
  OrderedKv,
  Random,
  RandomSite,
  Timer,
  Trace,
} from "./ports.ts";
export type { Change } from "./protocol/configuration.ts";
export { type Dialler, Inbound, type Listener, Outbound } from "./protocol/connection.ts";
export { decodeEnvelope, encodeEnvelope } from "./protocol/message-codec.ts";
export type { Envelope, Message } from "./protocol/message.ts";
export type { Failed, Result } from "./result.ts";
export { MemoryState } from "./storage/memory-state.ts";
export { OrderedState } from "./storage/ordered-state.ts";
export type { StateStore } from "./storage/state-store.ts";
export type { ClusterId, Index, Micros, NodeId, StoreId, Term } from "./units.ts";
