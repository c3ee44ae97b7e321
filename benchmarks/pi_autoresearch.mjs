// The loop of pi-autoresearch with its own tools, by an agent that does as they say: node pi_autoresearch.mjs BUNDLE ROOT IDEAS RULE
// RULE `told`: kept if better than the best kept; `careful`: where the confidence is below 1 it runs once more, and both have to be better
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [, , bundle, root, ideas, rule] = process.argv;
const tools = new Map();
const { default: extension } = await import(bundle);
extension({
  on() {},
  appendEntry() {},
  registerTool: (tool) => tools.set(tool.name, tool),
  registerCommand() {},
  registerShortcut() {},
  getActiveTools: () => [],
  setActiveTools() {},
  sendUserMessage() {},
  exec: (command, args, options) =>
    new Promise((resolve) =>
      execFile(command, args, { cwd: options.cwd }, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? 1) : 0, stdout, stderr, killed: false }))),
});
const context = {
  cwd: root,
  hasUI: false,
  isIdle: () => true,
  hasPendingMessages: () => false,
  abort() {},
  sessionManager: { getSessionId: () => root, getBranch: () => [] },
  ui: { setWidget() {}, notify() {} },
};
let commands = 0;
let runs = 0;
const call = async (name, parameters) => {
  commands += 1;
  const answer = await tools.get(name).execute("call", parameters, undefined, undefined, context);
  return { ...answer.details, text: answer.content[0].text };
};
const measure = async () => {
  runs += 1;
  const answer = await call("run_experiment", { command: "bash .auto/measure.sh" });
  if (!Number.isFinite(answer.parsedPrimary)) throw new Error(answer.text);
  return answer.parsedPrimary;
};

mkdirSync(join(root, ".auto"), { recursive: true });
writeFileSync(join(root, ".auto", "measure.sh"), "set -euo pipefail\npython3 train.py | sed -n 's/^val_bpb: */METRIC val_bpb=/p'\n");
await call("init_experiment", { name: "stand-in", metric_name: "val_bpb", metric_unit: "", direction: "lower" });
let best = await measure();
const log = (metric, status, description) =>
  call("log_experiment", { commit: "0000000", metric, status, description, asi: { hypothesis: description } });
let confidence = null;
await log(best, "keep", "baseline");
commands = 0;
const kept = [];
for (let index = 0; index < Number(ideas); index += 1) {
  const name = `S${String(index).padStart(2, "0")}`;
  const file = join(root, "train.py");
  writeFileSync(file, readFileSync(file, "utf8").replace(`${name} = 0`, `${name} = 1`));
  let metric = await measure();
  let better = metric < best;
  if (better && rule === "careful" && (confidence === null || confidence < 1)) {
    const second = await measure();
    better = second < best;
    metric = (metric + second) / 2;
  }
  const answer = await log(metric, better ? "keep" : "discard", `switch ${name} on`);
  const state = answer.state ?? {};
  confidence = state.confidence ?? null;
  if (better) {
    kept.push(index);
    best = metric;
  }
}
console.log(JSON.stringify({ kept, runs, commands }));
process.exit(0);
