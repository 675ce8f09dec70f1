/** Where members are, and who says so: on real processes. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { eventually, leaderOf, NodeProcess, three, withNodes } from "../support/node-process.ts";
import { patient } from "../support/processes.ts";

test.serial("a cluster whose addresses have all changed finds itself again by --cluster", async (t) => {
  t.timeout(300_000);
  await withNodes(6, async (nodes) => {
    const old = await three(nodes);
    await old[0].must("PUT", "/k", "v");
    for (const node of old) await node.stop("SIGTERM");
    const moved = [1, 2, 3].map((id) => nodes.start(id, "--cluster", nodes.list(4, 5, 6)));
    await Promise.all(moved.map((node) => node.ready()));
    t.is(await moved[0]!.must("GET", "/k"), "v");
    // The list only says where to ask: the configuration keeps the old URL.
    t.is((await moved[0]!.member(2))?.url, nodes.urls[1]);
  });
});

test.serial("a member that is started with another --peer-url has the configuration changed", async (t) => {
  t.timeout(300_000);
  await withNodes(4, async (nodes) => {
    const [, second] = await three(nodes);
    const before = await second.member(2);
    await second.stop("SIGTERM");
    const moved = nodes.start(2, "--cluster", nodes.list(1, 2, 3), "--peer-url", nodes.urls[3]!);
    await moved.ready();
    for (const id of [1, 2, 3]) {
      await eventually(`node ${id} knows the new URL`, async () => {
        return (await nodes.running.get(id)!.member(2))?.url === nodes.urls[3];
      });
    }
    t.like(await moved.member(2), { incarnation: before!.incarnation, role: "voter" });
    // The others find it there from the configuration alone.
    for (const id of [1, 3]) {
      await nodes.running.get(id)!.stop();
      nodes.start(id, "--cluster", nodes.list(1, 2, 3));
    }
    await Promise.all([1, 3].map((id) => nodes.running.get(id)!.ready()));
    await eventually("node 2 has it all", async () => (await moved.request("GET", "/readyz")).status === 200);
    t.is(await moved.must("PUT", "/k", "v"), "");
  });
});

test.serial("POST /v1/members/{id} changes a member's URL, POST /{id} does not", async (t) => {
  t.timeout(300_000);
  await withNodes(4, async (nodes) => {
    const [first, second] = await three(nodes, ...patient);
    t.is((await first.request("POST", "/2", nodes.urls[3])).status, 409);
    t.is((await first.request("POST", "/v1/members/2", nodes.urls[2])).status, 409, "another member's");
    await second.stop("SIGTERM");
    await first.must("POST", "/v1/members/2", nodes.urls[3]);
    t.is((await first.member(2))?.url, nodes.urls[3]);
    const moved = nodes.start(2, "--cluster", [nodes.urls[0], nodes.urls[3], nodes.urls[2]].join(","));
    await moved.ready();
    t.like(await moved.member(2), { url: nodes.urls[3], incarnation: 0, role: "voter" });
  });
});

test.serial(
  "an id that was removed and added again at another URL is reached there, and a mistyped one waits for the right one",
  async (t) => {
    t.timeout(300_000);
    await withNodes(4, async (nodes) => {
      const [first, , third] = await three(nodes);
      await first.must("PUT", "/k", "v");
      await first.must("DELETE", "/3");
      t.is(await third.ended(), 0);
      rmSync(join(nodes.directory, "metaStore-3"), { recursive: true });
      rmSync(join(nodes.directory, "metaStore-3-snap"), { recursive: true });
      // Nobody listens there.
      const mistyped = "http://127.0.0.1:1";
      await first.must("POST", "/3", mistyped);
      const joined = nodes.start(3, "--join", "--cluster", nodes.list(1, 2, 3), "--peer-url", nodes.urls[3]!);
      const said = /as node 3, and its directory does not answer at \S+: POST its peer URL to \/v1\/members\/3/;
      await Promise.any([first, nodes.running.get(2)!].map((node) => node.says(said)));
      t.is((await first.member(3))?.role, "learner");
      await first.must("POST", "/v1/members/3", nodes.urls[3]);
      await eventually("node 3 votes where it is", async () => (await first.member(3))?.role === "voter");
      await first.must("DELETE", "/3");
      t.is(await joined.ended(), 0);
      rmSync(join(nodes.directory, "metaStore-3"), { recursive: true });
      rmSync(join(nodes.directory, "metaStore-3-snap"), { recursive: true });
      await first.must("POST", "/3", nodes.urls[3]);
      // Its list still says its old place; the operator has said where it is.
      const again = nodes.start(3, "--join", "--cluster", nodes.list(1, 2, 3), "--peer-url", nodes.urls[3]!);
      await eventually("node 3 votes again", async () => (await first.member(3))?.role === "voter");
      t.is((await first.member(3))?.url, nodes.urls[3]);
      t.is(await again.must("GET", "/k"), "v");
    });
  },
);

test.serial(
  "a node that is started by mistake against another cluster ends or waits, and disturbs nobody there",
  async (t) => {
    t.timeout(300_000);
    await withNodes(4, async (nodes) => {
      const [first] = await three(nodes, ...patient);
      const leader = nodes.running.get(await leaderOf(first))!;
      const { term } = (await leader.status())!;
      for (const name of ["elsewhere", "lost"]) mkdirSync(join(nodes.directory, name));
      // Only the leader refuses a joining node by this line, and a node with the leader's id cannot ask the leader.
      const id = leader.id === 2 ? 3 : 2;
      const elsewhere = new NodeProcess(id, nodes.ports[3]!, [
        "--data-dir",
        join(nodes.directory, "elsewhere"),
        "--join",
        "--cluster",
        nodes.list(1, 2, 3),
        "--peer-url",
        nodes.urls[3]!,
      ]);
      try {
        t.is(await elsewhere.ended(), 1);
        t.regex(elsewhere.stderr, /another directory is bound as node [23]: remove [23], then add it again/);
      } finally {
        await elsewhere.stop();
      }
      // A founder of its own, whose list names a member of this cluster.
      const lost = new NodeProcess(2, nodes.ports[3]!, [
        "--data-dir",
        join(nodes.directory, "lost"),
        "--cluster",
        `${nodes.urls[0]},${nodes.urls[3]}`,
      ]);
      try {
        await lost.says(/node 1 was started with another --cluster list/);
        await leader.must("PUT", "/k", "v");
        t.like(await leader.status(), { term, role: "leader" });
      } finally {
        await lost.stop();
      }
    });
  },
);

test.serial("a member whose directory was put back from an older copy is told so, and is rebuilt", async (t) => {
  t.timeout(300_000);
  await withNodes(3, async (nodes) => {
    const [first] = await three(nodes);
    const id = ((await leaderOf(first)) % 3) + 1;
    const others = [1, 2, 3].filter((one) => one !== id).map((one) => nodes.running.get(one)!);
    const directory = join(nodes.directory, `metaStore-${id}`);
    const copy = join(nodes.directory, "copy");
    await others[0]!.must("PUT", "/early", "1");
    await nodes.running.get(id)!.stop("SIGTERM");
    cpSync(directory, copy, { recursive: true });
    const restart = (): NodeProcess => nodes.start(id, "--cluster", nodes.list(1, 2, 3));
    await restart().ready();
    await others[0]!.must("PUT", "/late", "2");
    await nodes.running.get(id)!.stop("SIGTERM");
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    const restored = restart();
    await restored.says(/this directory was put back from an older copy: .*its log is set aside/);
    await Promise.any(others.map((node) => node.says(/was started from an older copy of its directory/)));
    t.is(await restored.must("GET", "/late"), "2");
    t.is(await restored.must("GET", "/early"), "1");
    await eventually("it votes again, as somebody else", async () => {
      const member = await others[0]!.member(id);
      return member?.role === "voter" && member.incarnation > 0;
    });
    // It is a directory like any other now.
    await restored.stop("SIGTERM");
    await restart().ready();
    t.is(await nodes.running.get(id)!.must("GET", "/late"), "2");
    t.notRegex(nodes.running.get(id)!.stderr, /older copy/);
  });
});

test.serial("an older copy is told so however often it was started where nobody heard it", async (t) => {
  t.timeout(120_000);
  await withNodes(3, async (nodes) => {
    const [first] = await three(nodes);
    const leader = nodes.running.get(await leaderOf(first))!;
    const id = (leader.id % 3) + 1;
    const [directory, copy] = [join(nodes.directory, `metaStore-${id}`), join(nodes.directory, "copy")];
    const secret = join(nodes.directory, "secret");
    writeFileSync(secret, "nobody else knows this");
    const restart = (...args: string[]): NodeProcess => nodes.start(id, "--cluster", nodes.list(1, 2, 3), ...args);
    await nodes.running.get(id)!.stop("SIGTERM");
    cpSync(directory, copy, { recursive: true });
    await restart().ready();
    await leader.must("PUT", "/late", "1");
    await eventually("it has acknowledged that", async () => {
      const member = await leader.member(id);
      return member !== undefined && member.lagEntries === 0;
    });
    await nodes.running.get(id)!.stop("SIGTERM");
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    for (let boot = 0; boot < 2; boot++) {
      const unheard = restart("--peer-secret-file", secret);
      await unheard.says(/does not know the secret/);
      await unheard.stop();
    }
    const restored = restart();
    await restored.says(/this directory was put back from an older copy/);
    await leader.says(new RegExp(`node ${id} has lost entries that it had acknowledged`));
    await restored.ready();
    t.is(await restored.must("GET", "/late"), "1");
  });
});

test.serial(
  "of two copies of one directory at work at once the one that is dialled is the member; the other is refused",
  async (t) => {
    t.timeout(300_000);
    await withNodes(4, async (nodes) => {
      const [first, second] = await three(nodes);
      await first.must("PUT", "/k", "v");
      await nodes.running.get(3)!.stop("SIGTERM");
      const elsewhere = join(nodes.directory, "elsewhere");
      cpSync(join(nodes.directory, "metaStore-3"), join(elsewhere, "metaStore-3"), { recursive: true });
      const one = nodes.start(3, "--cluster", nodes.list(1, 2, 3));
      await one.ready();
      const other = new NodeProcess(3, nodes.ports[3]!, ["--data-dir", elsewhere, "--cluster", nodes.list(1, 2, 4)]);
      try {
        await first.says(/the directory of node 3 runs twice/);
        await second.must("PUT", "/k", "w");
        t.is(await one.must("GET", "/k"), "w");
        t.is((await first.member(3))?.role, "voter");
        t.is((await other.request("GET", "/readyz")).status, 503);
        t.false(one.hasEnded);
      } finally {
        await other.stop();
      }
    });
  },
);

test.serial("of two members none can be rebuilt: one from an older copy ends with a line", async (t) => {
  t.timeout(300_000);
  await withNodes(2, async (nodes) => {
    const start = (id: number): NodeProcess => nodes.start(id, "--cluster", nodes.list(1, 2));
    await Promise.all([1, 2].map((id) => start(id).ready()));
    const directory = join(nodes.directory, "metaStore-2");
    const copy = join(nodes.directory, "copy");
    await nodes.running.get(2)!.stop("SIGTERM");
    cpSync(directory, copy, { recursive: true });
    await start(2).ready();
    await nodes.running.get(2)!.stop("SIGTERM");
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    const restored = start(2);
    t.is(await restored.ended(), 1);
    t.regex(
      restored.stderr,
      /metaStore: .*this directory was put back from an older copy: .*put back a copy of .* that is newer\n/,
    );
  });
});

test.serial("peers share a secret: whoever does not know it is refused, and both sides say so", async (t) => {
  t.timeout(300_000);
  await withNodes(3, async (nodes) => {
    const file = (name: string, text: string): string => {
      const path = join(nodes.directory, name);
      writeFileSync(path, text);
      return path;
    };
    const right = file("right", "a secret of some length\n");
    const wrong = file("wrong", "another secret of some length\n");
    const [first, second, third] = await three(nodes, "--peer-secret-file", right);
    await first.must("PUT", "/k", "v");
    const cluster = nodes.list(1, 2, 3);
    for (const [args, own, theirs] of [
      [["--peer-secret-file", wrong], /it does not know the secret/, /it does not know the secret/],
      [[], /it wants the secret that its peers share/, /it offers no proof of the secret|it does not know the secret/],
    ] as const) {
      await nodes.running.get(3)!.stop("SIGTERM");
      const refused = nodes.start(3, "--cluster", cluster, ...args);
      await refused.says(own);
      await Promise.any([first, second].map((node) => node.says(theirs)));
      t.is((await refused.status())?.leader, 0);
    }
    await nodes.running.get(3)!.stop("SIGTERM");
    await nodes.start(3, "--cluster", cluster, "--peer-secret-file", right).ready();
    t.is(await nodes.running.get(3)!.must("GET", "/k"), "v");
    t.true(third.stderr.length > 0);
    for (const [path, words] of [
      [join(nodes.directory, "nothing"), /--peer-secret-file .*nothing cannot be read/],
      [file("short", "abc\n"), /--peer-secret-file .*short must hold 16 to 4096 bytes, not 3/],
    ] as const) {
      const bad = new NodeProcess(1, 0, ["--data-dir", join(nodes.directory, "bad"), "--peer-secret-file", path]);
      t.is(await bad.ended(), 2);
      t.regex(bad.stderr, words);
    }
  });
});

test.serial(
  "a node that joins under the id of a member that leads ends with a line that names the way out",
  async (t) => {
    t.timeout(300_000);
    await withNodes(4, async (nodes) => {
      const [first] = await three(nodes, ...patient);
      const leader = await leaderOf(first);
      const { term } = (await first.status())!;
      // A directory and addresses of its own: as on another machine.
      const directory = join(nodes.directory, "elsewhere");
      mkdirSync(directory);
      const places = ["--data-dir", directory, "--peer-url", nodes.urls[3]!, "--log-level", "silent"];
      const args = ["--cluster", nodes.list(1, 2, 3), "--join", ...places];
      const joining = new NodeProcess(leader, nodes.ports[3]!, args);
      t.is(await joining.ended(), 1);
      const ways = "GET /v1/members does not name, add it (POST /{id} with its peer URL, at a member)";
      const line = `node ${leader} runs elsewhere and leads the cluster: give this node an id that ${ways}, and start it with --join`;
      t.is(joining.stderr, `metaStore: ${join(directory, `metaStore-${leader}`)}: ${line}\n`);
      t.like(await first.status(), { term, leader });
      // The line is right.
      await first.must("POST", "/4", nodes.urls[3]);
      const added = nodes.start(4, "--cluster", nodes.list(1, 2, 3, 4), "--join", ...patient);
      await added.ready();
    });
  },
);
