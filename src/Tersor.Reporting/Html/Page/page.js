"use strict";

// What every page has: sections and links to them, light and dark, paper.

function fileName(path) {
    return path.split(/[/\\]/).at(-1);
}

/** Puts sections into the page; those that are null have nothing to show. */
function showPage(...sections) {
    document.getElementById("main").replaceChildren(...sections.filter(section => section !== null));
    document.getElementById("sections").append(...[...document.querySelectorAll("section[data-title]")].map(s => el("a", { href: `#${s.id}` }, s.dataset.title)));
    redraw();
}

const preference = matchMedia("(prefers-color-scheme: dark)");

function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    redraw();
}

preference.addEventListener("change", () => setTheme(preference.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

// Paper is white, and narrower than a screen.
let onScreen = null;
addEventListener("beforeprint", () => {
    onScreen = document.documentElement.dataset.theme;
    paperWidth = 660;
    setTheme("light");
});
addEventListener("afterprint", () => {
    paperWidth = null;
    setTheme(onScreen);
});
