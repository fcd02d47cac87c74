// Orders to the bot: a word is typed before anything is sent.

import { el, order, settings } from "/static/core.js";

const WORDS = {
  pause: "No new risk; stops and exits go on.",
  flatten: "Closes positions at market, all of them unless a symbol is given.",
  reduce: "Closes that share of every position, for example 0.5.",
  resume: "Lets strategies open positions again.",
  rearm: "Ends the latch with a new peak at today's equity. Without a code the answer tells one.",
  mode: "How a position opened by hand is guarded.",
  limits: "Lets looser limits hold that wait. Without a code the answer tells one.",
  ack: "Ends the repetition of alerts.",
};
const FIELDS = {
  flatten: [["symbol", "Symbol, empty for all", ""]],
  reduce: [["fraction", "Share to close, 0 to 1", "0.5"]],
  rearm: [["code", "Code", ""]],
  mode: [["symbol", "Symbol", "BTC/USDT:USDT"], ["side", "LONG or SHORT", "LONG"],
    ["mode", "normal, graceful_stop, tp_only, panic or manual", "normal"], ["target", "Price to leave at, for tp_only", ""]],
  limits: [["code", "Code", ""]],
};

function fresh() {
  return crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
}

export function open(name) {
  const dialog = document.getElementById("ask");
  const word = document.getElementById("ask-word");
  const told = document.getElementById("ask-answer");
  const fields = document.getElementById("ask-fields");
  document.getElementById("ask-title").textContent = name.toUpperCase();
  document.getElementById("ask-text").textContent = WORDS[name] ?? "";
  document.getElementById("ask-needed").textContent = name.toUpperCase();
  fields.replaceChildren(...(FIELDS[name] ?? []).flatMap(([key, label, value]) => [
    el("label", { for: `field-${key}` }, label),
    el("input", { id: `field-${key}`, name: key, value, autocomplete: "off" }),
  ]));
  word.value = told.textContent = "";
  const go = document.getElementById("ask-go");
  let key = fresh();
  const send = async () => {
    if (go.disabled) return;
    go.disabled = true;
    const args = {};
    for (const input of fields.querySelectorAll("input")) if (input.value) args[input.name] = input.value.trim();
    try {
      const done = await order(name, args, word.value.trim(), key);
      told.className = done.accepted ? "good" : "bad";
      told.textContent = done.text;
      key = fresh();
      if (done.accepted) word.value = "";
    } catch {
      told.className = "bad";
      told.textContent = "No answer: it may have happened. Sent again from here, it happens once.";
    } finally { go.disabled = false; }
  };
  go.onclick = send;
  dialog.onkeydown = (event) => {
    if (event.key === "Enter" && event.target.tagName === "INPUT") { event.preventDefault(); send(); }
  };
  dialog.showModal();
}

export function buttons() {
  const names = ["pause", "reduce", "flatten", "resume", "rearm", "mode", "limits"]
    .filter((name) => [...settings.lowering, ...settings.raising].includes(name));
  return el("div", { class: "commands", role: "group", "aria-label": "Commands" }, names.map((name) =>
    el("button", { type: "button", class: name === "flatten" ? "danger" : null, onclick: () => open(name) },
      name[0].toUpperCase() + name.slice(1))));
}
