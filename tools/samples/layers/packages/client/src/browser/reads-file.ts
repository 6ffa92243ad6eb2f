import { randomBytes } from "node:crypto";
import { file } from "../node/file.js";
export const random = [randomBytes, file];
