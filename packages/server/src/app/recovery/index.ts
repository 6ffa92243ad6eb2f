export { moveCatalog, type MoveRequest } from "./move-catalog.js";
export {
  type OtherMachine,
  promoteCatalog,
  type PromotedCatalog,
  type PromoteRequest,
} from "./promote-catalog.js";
export { rebuildCatalog, type RebuildRequest, type RebuiltCatalog, type RecoveryRun } from "./rebuild-catalog.js";
export type { MoveReport } from "../../recovery/catalog-move.js";
export type { RebuildProgress } from "../../recovery/rebuild.js";
