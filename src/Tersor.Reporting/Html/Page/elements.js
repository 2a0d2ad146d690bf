"use strict";

// Elements of the page. Text becomes text nodes and attributes, never markup: names in a report are not trusted.

/** An element with a class, attributes and children; a child that is null or false is left out. */
function el(tag, attributes, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElement(name);
    if (classes.length > 0)
        element.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes ?? {})) {
        if (key.startsWith("on"))
            element.addEventListener(key.slice(2), value);
        else if (value !== null && value !== undefined && value !== false)
            element.setAttribute(key, value);
    }
    element.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
    return element;
}

/** Terms and what they stand for; pairs without a value are left out. */
function terms(tag, pairs) {
    return el(tag, null, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([term, value]) => el("div", null, el("dt", null, term), el("dd", null, value))));
}

/** A name that gives up its middle where there is no room. */
function nameOf(text, tail = 20) {
    const cut = Math.max(0, text.length - tail);
    return el("span.name.mono", { title: text }, el("span", null, breakable(text.slice(0, cut))), el("span", null, breakable(text.slice(cut))));
}

/** Text that may go on in the next line after a slash. */
function breakable(text) {
    return text.split(/(?<=\/)/).flatMap((part, i) => i === 0 ? [part] : [el("wbr"), part]);
}

/** A name in at most so many characters. */
function shorten(text, most) {
    if (text.length <= most)
        return text;
    const tail = Math.ceil((most - 1) * 0.72);
    return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}

/** A section of the page; null where it has nothing to show. */
function card(id, title, explanation, controls, ...content) {
    return el("section.card", { id, "data-title": title },
        el("header", null, el("div", null, el("h2", null, title), explanation && el("p", null, explanation)), controls && el("div.controls", null, controls)), content);
}

/** One of a few: buttons side by side. Each is [value, label] or [value, label, count]. */
function choice(label, options, chosen, onChange) {
    const buttons = options.map(([value, text, count]) => el("button", {
        type: "button", "aria-pressed": String(value === chosen), onclick: () => {
            buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(options[i][0] === value)));
            onChange(value);
        },
    }, text, count !== undefined && el("small", null, ` ${count}`)));
    return el("div.choice", { role: "group", "aria-label": label }, buttons);
}

/** What the colours of a chart mean: [colour variable, text, class]. */
function legend(...entries) {
    return el("ul.legend", null, entries.map(([colour, text, kind]) => el("li", null, el(`i${kind ? `.${kind}` : ""}`, { style: `--colour: var(--${colour})` }), text)));
}
