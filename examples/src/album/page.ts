import type { Photo } from "./album.js";

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
  form.add { display: flex; flex-wrap: wrap; gap: 0.75rem; padding: 1rem; background: #f4f1ea; border-radius: 0.5rem; }
  input, button { font: inherit; padding: 0.4rem 0.6rem; }
  input[name="title"] { flex: 1 1 14rem; }
  ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; padding: 0; list-style: none; }
  li { border: 1px solid #ddd; border-radius: 0.5rem; overflow: hidden; }
  li img { display: block; width: 100%; height: 10rem; object-fit: cover; background: #eee; }
  li div { display: flex; justify-content: space-between; align-items: center; gap: 0.5rem; padding: 0.5rem 0.75rem; }
  li button { border: 0; background: none; color: #a33; cursor: pointer; }
  .empty { color: #777; }
`;

/** The whole album, with the form that adds to it. */
export function renderAlbum(photos: readonly Photo[]): string {
  const items = photos.map(renderPhoto).join("\n");
  const list = photos.length === 0 ? '<p class="empty">No photos yet.</p>' : `<ul>${items}</ul>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Album</title>
<style>${STYLE}</style>
<h1>Album</h1>
<form class="add" method="post" action="/photos" enctype="multipart/form-data">
  <input name="title" placeholder="Title" aria-label="Title" required maxlength="200">
  <input name="photo" type="file" accept="image/*" aria-label="Photo" required>
  <button>Add</button>
</form>
${list}
</html>
`;
}

function renderPhoto({ id, title }: Photo): string {
  const text = escapeHtml(title);
  return `<li>
  <img src="/photos/${id}" alt="${text}" loading="lazy">
  <div><span>${text}</span><form method="post" action="/photos/${id}/remove"><button aria-label="Remove ${text}">Remove</button></form></div>
</li>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
