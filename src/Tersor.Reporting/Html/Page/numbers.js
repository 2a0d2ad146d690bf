"use strict";

// Numbers as people read them.

/** A figure of the report: what JSON has no number for is written as null or as a word. */
function figure(value) {
    return value === "Infinity" ? Infinity : value === "-Infinity" ? -Infinity : value ?? null;
}

function fixed(value, digits) {
    return value.toFixed(digits).replace("-", "\u2212");
}

function significant(value) {
    const size = Math.abs(value);
    return fixed(value, size < 10 ? 2 : size < 100 ? 1 : 0);
}

const Numbers = {
    count: value => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ","),
    bytes: value => value < 1e3 ? `${value} B` : value < 1e6 ? `${significant(value / 1e3)} kB` : value < 1e9 ? `${significant(value / 1e6)} MB` : `${significant(value / 1e9)} GB`,
    milliseconds: value => value < 10 ? `${fixed(value, value < 0.1 ? 3 : 2)} ms` : value < 100 ? `${fixed(value, 1)} ms` : `${fixed(value, 0)} ms`,
    microseconds: value => value < 100 ? fixed(value, 1) : Numbers.count(value),
    ratio: value => `${fixed(value, 2)}×`,
    metric: value => fixed(value, 4),
    decibel: value => value === Infinity ? "∞ dB" : value === -Infinity ? "−∞ dB" : `${fixed(value, 1)} dB`,
    /** Milliseconds beside an axis that says so. */
    time: value => value > 0 && value < 0.005 ? "<0.01" : significant(value),
    /** Any value of a tensor. */
    value: value => value === 0 ? "0" : Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? value.toExponential(2).replace(/-/g, "\u2212") : fixed(value, Math.abs(value) < 1 ? 4 : Math.abs(value) < 100 ? 3 : 1),
    percent: share => share === 0 ? "0 %" : share < 1e-4 ? "below 0.01 %" : `${fixed(share * 100, share < 0.1 ? 2 : 1)} %`,
    /** 12300 → 12k, for axes. */
    brief: value => value >= 1e9 ? `${+(value / 1e9).toPrecision(3)}G` : value >= 1e6 ? `${+(value / 1e6).toPrecision(3)}M` : value >= 1e3 ? `${+(value / 1e3).toPrecision(3)}k` : `${+value.toPrecision(3)}`,
    plural: (count, one, many) => `${Numbers.count(count)} ${count === 1 ? one : many ?? `${one}s`}`,
};

/** Signal to noise, in dB, of an error's energy over that of the outputs. */
function decibelOf(noise) {
    const value = figure(noise);
    return value === null ? null : value === 0 ? Infinity : -10 * Math.log10(value);
}
