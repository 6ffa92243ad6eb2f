import { IMPLEMENTATIONS, type Layer, PACKAGE_LAYERS, SERVER_IMPORTERS, SERVER_LAYERS } from "../layers/layer-table.js";

const BEGIN = "<!-- layers: written by `npm run documents` from tools/src/layers/layer-table.ts -->";
const END = "<!-- end of layers -->";

/** ARCHITECTURE.md with its tables of layers as the linter has them. Throws when the text has no place for them. */
export function replaceLayersSection(document: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the document needs a line ${BEGIN} and a line ${END}`);
  return `${document.slice(0, begin)}${BEGIN}\n\n${formatSection()}\n${document.slice(end)}`;
}

function formatSection(): string {
  const implementations = IMPLEMENTATIONS.map((name) => `\`${name}\``).join(", ");
  const importers = SERVER_IMPORTERS.map((path) => `\`${path}*\``).join(" and ");
  return `${formatTable("package", PACKAGE_LAYERS)}
Of the command only ${importers} import the server. The folders of \`packages/server/src\`, lowest first:

${formatTable("folder", SERVER_LAYERS)}
${implementations} are implementations behind an interface: only \`app/\` and tests name them.
`;
}

function formatTable(heading: string, layers: readonly Layer[]): string {
  const rows = layers.map(
    ({ folder, purpose, mayImport }) => `| \`${folder}\` | ${purpose} | ${formatFolders(mayImport)} |\n`,
  );
  return `| ${heading} | holds | may import |\n|---|---|---|\n${rows.join("")}`;
}

function formatFolders(folders: readonly string[]): string {
  return folders.length === 0 ? "nothing" : folders.map((folder) => `\`${folder}\``).join(", ");
}
