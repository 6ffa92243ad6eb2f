import { ERROR_TABLE, type ErrorRule } from "@koboldfs/protocol";

const INTRODUCTION = `# Error codes

Every failure has one of these codes. Over HTTP it comes as problem details
([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), \`application/problem+json\`, with the code in \`code\` and what to
do about it in \`hint\`; the client throws a \`KoboldError\` with the same \`code\`. Codes are stable: match on them, not on
texts. "Retry" says whether the same request, sent again a little later, may succeed.

| code | status | retry | what to do |
|---|---|---|---|
`;

/** docs/errors.md, from the one table of errors. */
export function formatErrorsDocument(): string {
  const rules = Object.entries(ERROR_TABLE).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `${INTRODUCTION}${rules.map(([code, rule]) => formatRow(code, rule)).join("")}`;
}

function formatRow(code: string, rule: ErrorRule): string {
  const hint = rule.hint.replaceAll("|", "\\|");
  return `| \`${code}\` | ${rule.status} | ${rule.retryable ? "yes" : "no"} | ${hint} |\n`;
}
