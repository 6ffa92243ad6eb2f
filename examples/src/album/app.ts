import { Readable } from "node:stream";
import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance } from "fastify";
import type { Album } from "./album.js";
import { renderAlbum } from "./page.js";

const MAX_PHOTO_BYTES = 20 * 1024 * 1024;
/** What browsers show as a picture and never run: HTML or SVG of a stranger would act in the name of whoever looks at it. */
const PHOTO_TYPES = new Set(["image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"]);
/** The `integer` of PostgreSQL. */
const ID = { type: "integer", minimum: 1, maximum: 2 ** 31 - 1 };
const ONE_PHOTO = { schema: { params: { type: "object", properties: { id: ID } } } };

/** The web application: a page, a form, and the photos. */
export async function createApp(album: Album): Promise<FastifyInstance> {
  const app = fastify();
  await app.register(multipart, { limits: { fileSize: MAX_PHOTO_BYTES, files: 1 } });
  app.addContentTypeParser("application/x-www-form-urlencoded", (_request, _body, done) => done(null));

  app.get("/", async (_request, reply) => {
    reply.type("text/html; charset=utf-8");
    return renderAlbum(await album.list());
  });

  app.post("/photos", async (request, reply) => {
    const part = await request.file();
    const title = part?.fields["title"];
    if (part === undefined || title === undefined || !("value" in title))
      return reply.code(400).send("a title and a photo");
    if (!PHOTO_TYPES.has(part.mimetype)) return reply.code(415).send("a photo in AVIF, GIF, JPEG, PNG or WebP");
    // All of it before the transaction begins: how slowly a browser sends must not hold a row of the database.
    const bytes = await part.toBuffer();
    await album.add({ title: String(title.value), contentType: part.mimetype, bytes });
    return reply.redirect("/", 303);
  });

  app.get<{ Params: { id: number } }>("/photos/:id", ONE_PHOTO, async (request, reply) => {
    const opened = await album.open(request.params.id);
    if (opened === undefined) return reply.code(404).send("no such photo");
    const { info, length, body } = opened;
    reply.header("x-content-type-options", "nosniff");
    reply.type(info.contentType).header("content-length", length).header("etag", `"${info.digest}"`);
    return reply.send(Readable.from(body));
  });

  app.post<{ Params: { id: number } }>("/photos/:id/remove", ONE_PHOTO, async (request, reply) => {
    await album.remove(request.params.id);
    return reply.redirect("/", 303);
  });

  return app;
}
