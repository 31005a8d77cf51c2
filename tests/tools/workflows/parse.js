// Reads workflows and actions with GitHub's own parser and says what is wrong with them: node parse.cjs FILE…
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser";
import { parseAction } from "@actions/workflow-parser/actions/action-parser";

async function mistakes(name) {
  const file = { name, content: readFileSync(name, "utf8") };
  const action = basename(name) === "action.yml";
  const { context, value } = (action ? parseAction : parseWorkflow)(file, new NoOperationTraceWriter());
  // also what only shows when jobs are made of it, such as needs that lead nowhere
  if (!action && value) await convertWorkflowTemplate(context, value, undefined, { errorPolicy: 1 });
  return context.errors.getErrors().map(({ message }) => (message.startsWith(name) ? message : `${name}: ${message}`));
}

async function main(names) {
  const found = (await Promise.all(names.map(mistakes))).flat();
  found.forEach((message) => console.log(message));
  process.exitCode = found.length ? 1 : 0;
}

main(process.argv.slice(2));
