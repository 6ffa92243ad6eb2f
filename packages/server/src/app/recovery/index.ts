export { rebuildCatalog, type RebuildRequest, type RebuiltCatalog, type RecoveryRun } from "./rebuild-catalog.js";
export type { RebuildProgress } from "../../recovery/rebuild.js";
