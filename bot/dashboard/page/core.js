// What every view needs: elements, numbers in words, and the API.

export const settings = { time_zone: "UTC", lowering: [], raising: [], csrf: "" };

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const card = (title, ...children) =>
  el("section", { class: "card", "aria-label": title }, el("h2", {}, title), ...children);

export const wide = (title, ...children) => {
  const made = card(title, ...children);
  made.classList.add("wide");
  return made;
};

const UNKNOWN = "unknown";
const plain = (value, digits) =>
  Number(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const known = (value) => value !== null && value !== undefined && value !== "";
export const usd = (value) => (known(value) ? `${plain(value, 2)} USD` : UNKNOWN);
export const big = (value) =>
  !known(value) ? UNKNOWN
    : Math.abs(value) >= 1e9 ? `${plain(value / 1e9, 2)} bn USD`
    : Math.abs(value) >= 1e6 ? `${plain(value / 1e6, 1)} m USD` : `${plain(value, 0)} USD`;
export const price = (value) =>
  known(value) ? plain(value, Math.abs(value) >= 1000 ? 1 : 4) : UNKNOWN;
export const percent = (frac, digits = 1) =>
  known(frac) ? `${plain(Number(frac) * 100, digits)} %` : UNKNOWN;
export const number = (value, digits = 2) => (known(value) ? plain(value, digits) : UNKNOWN);
export const text = (value) => (known(value) ? String(value) : UNKNOWN);

export function time(iso) {
  if (!known(iso)) return "never";
  return new Date(iso).toLocaleString("en-GB", { timeZone: settings.time_zone, hour12: false });
}

export function table(caption, heads, rows, empty = "none") {
  if (!rows.length) return el("p", { class: "quiet" }, empty);
  const head = el("tr", {}, heads.map((name) => {
    const numeric = name.startsWith("#");
    return el("th", { scope: "col", class: numeric ? "num" : null }, name.replace("#", ""));
  }));
  const body = rows.map((row) => {
    const cells = row.cells ?? row;
    const made = el("tr", row.open ? { class: "open", tabindex: "0", role: "button" } : {},
      cells.map((cell, index) => el("td", { class: heads[index].startsWith("#") ? "num" : null }, cell)));
    if (row.open) {
      made.addEventListener("click", row.open);
      made.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); row.open(); } });
    }
    return made;
  });
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "quiet" }, caption), el("thead", {}, head), el("tbody", {}, body)));
}

export async function get(path) {
  const answer = await fetch(`/api/v1/${path}`, { headers: { Accept: "application/json" } });
  if (answer.status === 401) { location.assign("/login"); throw new Error("logged out"); }
  const document_ = await answer.json();
  if (!answer.ok) throw new Error(document_.error ?? answer.statusText);
  return document_;
}

export const answer = (name, query = {}) =>
  get(`answers/${name}?${new URLSearchParams(query)}`);

export async function order(name, args, confirm, key) {
  const reply = await fetch(`/api/v1/commands/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": settings.csrf },
    body: JSON.stringify({ args, confirm, key: key.slice(0, 36) }),
  });
  const told = await reply.json();
  return { accepted: reply.ok && told.accepted, text: told.text ?? told.error };
}

export const trouble = (error) => el("p", { class: "bad", role: "alert" }, String(error.message ?? error));
