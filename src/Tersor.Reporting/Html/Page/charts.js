"use strict";

// Charts: an element of a given height, drawn anew when its width or the colours of the page change.

const drawings = [];

/** Width of charts on paper, in pixels; null on the screen, where they are as wide as there is room. */
let paperWidth = null;

/** The colours of the page as it is now. */
function palette() {
    const style = getComputedStyle(document.documentElement);
    return name => style.getPropertyValue(`--${name}`).trim();
}

/** An element that shows what option(colours, width) says. It draws itself once it is in the page. */
function chart(description, height, option) {
    const host = el("div.chart", { role: "img", "aria-label": description, style: `height: ${height}px` });
    let instance = null, width = 0;
    const drawing = {
        host,
        draw() {
            if (host.clientWidth === 0)
                return;
            width = paperWidth ?? host.clientWidth;
            instance ??= echarts.init(host, null, { renderer: "svg" });
            instance.resize({ width });
            instance.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option(palette(), width) }, true);
            // So that it can be scaled where paper is narrower.
            host.querySelector("svg")?.setAttribute("viewBox", `0 0 ${width} ${height}`);
        },
    };
    new ResizeObserver(() => {
        if (paperWidth === null && host.clientWidth !== width)
            drawing.draw();
    }).observe(host);
    drawings.push(drawing);
    return drawing;
}

function redraw() {
    drawings.forEach(d => d.draw());
}

/** What a pointer over a mark shows: a title and pairs. */
function tip(title, pairs) {
    return el("div.tip", null, el("b", null, title), el("dl", null, pairs.filter(([, value]) => value !== null && value !== undefined).map(([term, value]) => [el("dt", null, term), el("dd", null, value)])));
}

function tooltip(colour, formatter, trigger = "item") {
    return {
        trigger, formatter, confine: true, padding: [8, 12], backgroundColor: colour("card"), borderColor: colour("line"), borderWidth: 1, transitionDuration: 0,
        axisPointer: { type: "line", lineStyle: { color: colour("faint"), type: "solid", width: 1 }, label: { show: false } },
        extraCssText: "border-radius: 10px; box-shadow: 0 6px 24px rgba(0, 0, 0, .14);",
    };
}

/** An axis of numbers. */
function valueAxis(colour, more = {}) {
    const { axisLabel, ...rest } = more;
    return {
        type: "value", nameLocation: "middle", nameTextStyle: { color: colour("muted"), fontSize: 12 }, axisLine: { show: false }, axisTick: { show: false },
        axisLabel: { color: colour("muted"), fontSize: 11.5, hideOverlap: true, ...axisLabel }, splitLine: { lineStyle: { color: colour("line") } }, ...rest,
    };
}

/** What a chart calls layers: their names without the folders that all of them share, and without what exporters put after the name of a first output. */
function labels(names) {
    let shared = names.length > 1 ? names[0].lastIndexOf("/") + 1 : 0;
    while (shared > 0 && !names.every(n => n.startsWith(names[0].slice(0, shared))))
        shared = names[0].lastIndexOf("/", shared - 2) + 1;
    return names.map(n => n.slice(shared).replace(/_output_0$/, ""));
}

/** An axis of names, the first on top. */
function nameAxis(colour, names, width) {
    const most = Math.floor(width / 6.6);
    return {
        type: "category", data: names, inverse: true, axisLine: { show: false }, axisTick: { show: false },
        axisLabel: { color: colour("text"), fontSize: 12, width, interval: 0, formatter: name => shorten(name, most) },
    };
}

/** Decimals of where a line across a chart stands; ECharts rounds it to two, which moves a limit or a small range to where it is not. */
const LinePrecision = 12;

/** Space for the longest of some names, within reason. */
function nameSpace(names, width) {
    return Math.round(Math.min(Math.max(...names.map(n => n.length)) * 6.6 + 4, width * (width < 500 ? 0.4 : 0.36)));
}

/** Bounds around values with some air, so that marks at the ends are whole. */
function bounds(values, air) {
    const low = Math.min(...values), high = Math.max(...values), space = (high - low || Math.abs(high) * 0.1 || 1) * air;
    return { min: low - space, max: high + space };
}

/** Bounds around values at round numbers. */
function roundBounds(values, air, intervals) {
    const { min, max } = bounds(values, air), raw = (max - min) / intervals, power = 10 ** Math.floor(Math.log10(raw));
    const interval = power * [1, 2, 2.5, 5, 10].find(factor => factor * power >= raw);
    return { min: Math.floor(min / interval) * interval, max: Math.ceil(max / interval) * interval, interval };
}

/**
 * Everything that was tried: speed-up to the right, quality upwards, intervals as whiskers, the best of them joined.
 * A point is { name, x, low, high, y, chosen, pairs }.
 */
function paretoChart(points, { yName, yFormat, higherIsBetter, budget, budgetName, reference }) {
    const better = (a, b) => higherIsBetter ? a > b : a < b;
    const front = [];
    for (const point of points.toSorted((a, b) => b.x - a.x || (better(a.y, b.y) ? -1 : 1))) {
        if (front.length === 0 || better(point.y, front[front.length - 1].y))
            front.push(point);
    }
    const all = reference === null ? points : [...points, reference];
    const ys = roundBounds(all.map(p => p.y).concat(budget ?? []), 0.05, 5);
    return chart("Candidates by speed-up and quality", 380, (colour, width) => {
        const mark = p => ({ name: p.name, value: [p.x, p.y], point: p });
        const whisker = p => ({ value: [p.low, p.high, p.y], point: p });
        const xs = roundBounds(all.flatMap(p => [p.x, p.low ?? p.x, p.high ?? p.x]).concat(1), 0.03, width < 500 ? 4 : 8);
        const show = parameters => parameters.data?.point && tip(parameters.data.point.name, parameters.data.point.pairs);
        return {
            grid: { left: 66, right: 20, top: 16, bottom: 52 },
            tooltip: tooltip(colour, show),
            xAxis: valueAxis(colour, { name: width < 500 ? "times as fast as float" : "Times as fast as the float model", nameGap: 34, ...xs, axisLabel: { margin: 12, formatter: v => `${fixed(v, xs.interval < 0.1 || xs.interval === 0.25 ? 2 : 1)}×` }, splitLine: { show: false } }),
            yAxis: valueAxis(colour, { name: yName, nameGap: 50, ...ys, axisLabel: { formatter: yFormat } }),
            series: [
                {
                    type: "line", data: front.map(p => [p.x, p.y]), showSymbol: false, silent: true, lineStyle: { color: colour("after"), width: 1.5, type: [4, 4], opacity: 0.6 }, z: 1,
                    markLine: budget === null ? undefined : {
                        silent: true, symbol: "none", precision: LinePrecision, lineStyle: { color: colour("kept"), type: "solid", width: 1.5 },
                        label: { formatter: budgetName, position: "insideStartTop", color: colour("kept"), fontSize: 12, distance: 4 }, data: [{ yAxis: budget }],
                    },
                },
                {
                    type: "custom", silent: true, z: 2, dimensions: ["low", "high", "y"], encode: { x: [0, 1], y: 2 }, data: points.filter(p => p.low !== null && p.high !== null).map(whisker),
                    renderItem(parameters, api) {
                        const [x1, y] = api.coord([api.value(0), api.value(2)]), [x2] = api.coord([api.value(1), api.value(2)]);
                        const line = (a, b, c, d) => ({ type: "line", shape: { x1: a, y1: b, x2: c, y2: d }, style: { stroke: colour("faint"), lineWidth: 1.25 } });
                        return { type: "group", children: [line(x1, y, x2, y), line(x1, y - 4, x1, y + 4), line(x2, y - 4, x2, y + 4)] };
                    },
                },
                { type: "scatter", symbolSize: 11, z: 3, data: points.filter(p => !p.chosen).map(mark), itemStyle: { color: colour("card"), borderColor: colour("after"), borderWidth: 2, opacity: 1 } },
                {
                    type: "scatter", symbolSize: 17, z: 4, data: points.filter(p => p.chosen).map(mark), itemStyle: { color: colour("after"), borderColor: colour("card"), borderWidth: 2, opacity: 1 },
                    label: { show: true, formatter: "chosen", position: "top", distance: 7, color: colour("after"), fontWeight: 600, fontSize: 12.5 },
                },
                {
                    type: "scatter", symbol: "diamond", symbolSize: 13, z: 3, data: reference === null ? [] : [mark(reference)], itemStyle: { color: colour("faint"), opacity: 1 },
                    label: { show: true, formatter: reference?.name ?? "", position: "bottom", distance: 6, color: colour("muted"), fontSize: 12 },
                },
            ],
        };
    });
}

/** Layers by what each does alone. A row is { name, value, kind, pairs }. */
function sensitivityChart(rows, kinds) {
    const shown = Math.min(30, rows.length);
    const finite = rows.map(r => r.value).filter(Number.isFinite);
    const most = Math.max(...finite, 1), least = Math.min(...finite, 0);
    const bar = value => value === Infinity ? most * 1.05 : value === -Infinity ? least : value;
    return chart("Layers by signal to noise when each is quantized alone", shown * 21 + 46, (colour, width) => {
        const names = labels(rows.map(r => r.name)), left = nameSpace(names, width), scrolls = rows.length > shown;
        return {
            grid: { left: left + 12, right: scrolls ? 32 : 12, top: 4, bottom: 40 },
            tooltip: tooltip(colour, parameters => tip(rows[parameters.dataIndex].name, rows[parameters.dataIndex].pairs)),
            xAxis: valueAxis(colour, { name: "dB, alone", nameGap: 26, max: most + 0.15 * (most - least), splitNumber: width < 500 ? 3 : 5, axisLabel: { showMaxLabel: false, formatter: v => fixed(v, 0) } }),
            yAxis: nameAxis(colour, names, left),
            dataZoom: scrolls ? [{
                type: "slider", yAxisIndex: 0, startValue: 0, endValue: shown - 1, minValueSpan: 9, right: 4, width: 14, top: 4, bottom: 40, showDetail: false, showDataShadow: false, brushSelect: false, filterMode: "empty",
                borderColor: "transparent", borderRadius: 7, backgroundColor: colour("sunken"), fillerColor: colour("line"), handleIcon: "circle", handleSize: 12, handleStyle: { color: colour("card"), borderColor: colour("faint") }, moveHandleSize: 0,
                emphasis: { handleStyle: { color: colour("card"), borderColor: colour("after") } },
            }] : [],
            series: [{
                type: "bar", barWidth: "62%", data: rows.map(r => ({ value: bar(r.value), itemStyle: { color: colour(kinds[r.kind]), borderRadius: 3 } })),
                label: { show: true, position: "right", color: colour("muted"), fontSize: 11, formatter: p => { const v = rows[p.dataIndex].value; return Number.isFinite(v) ? fixed(v, 1) : v > 0 ? "∞" : "\u2212∞"; } },
            }],
        };
    });
}

/** Time by kernel, before and after. A row is { name, before, after }. */
function timeChart(rows) {
    return chart("Time by kernel, before and after", rows.length * 40 + 44, (colour, width) => {
        const names = rows.map(r => r.name), left = nameSpace(names, width);
        const series = (key, fill) => ({
            type: "bar", barWidth: 11, barGap: "18%", data: rows.map(r => r[key]), itemStyle: { color: colour(fill), borderRadius: 3 }, cursor: "default",
            label: { show: true, position: "right", color: colour("muted"), fontSize: 11, formatter: p => p.value > 0 ? Numbers.time(p.value) : "" },
        });
        return {
            grid: { left: left + 12, right: 36, top: 2, bottom: 40 },
            tooltip: tooltip(colour, p => { const r = rows[p.dataIndex]; return tip(r.name, [["before", Numbers.milliseconds(r.before)], ["after", Numbers.milliseconds(r.after)]]); }),
            xAxis: valueAxis(colour, { name: "ms a run", nameGap: 26, splitNumber: width < 500 ? 3 : 5 }),
            yAxis: nameAxis(colour, names, left),
            series: [series("before", "before"), series("after", "after")],
        };
    });
}

/** The values of a tensor by bin, and the band of those its integers stand for. */
function histogramChart(state) {
    return chart("Histogram of a tensor with its range", 320, (colour, width) => {
        const { low, high, counts, rangeLow, rangeHigh } = state.histogram;
        const step = (high - low) / counts.length;
        const scaled = count => state.logarithmic ? Math.log10(1 + count) : count;
        const outline = counts.map((count, i) => [low + i * step, scaled(count)]).concat([[high, 0]]);
        const span = bounds([low, high, rangeLow, rangeHigh], 0.02);
        return {
            grid: { left: 54, right: 16, top: 12, bottom: 30 },
            tooltip: tooltip(colour, list => {
                const i = list[0]?.dataIndex ?? 0;
                return i < counts.length && tip(`${Numbers.value(low + i * step)} to ${Numbers.value(low + (i + 1) * step)}`, [["values", Numbers.count(counts[i])]]);
            }, "axis"),
            xAxis: valueAxis(colour, { ...span, splitLine: { show: false }, splitNumber: width < 500 ? 4 : 8, axisLine: { show: true, lineStyle: { color: colour("line") } }, axisLabel: { showMinLabel: false, showMaxLabel: false, formatter: v => `${+v.toPrecision(3)}`.replace("-", "\u2212") } }),
            yAxis: valueAxis(colour, state.logarithmic ? { minInterval: 1, axisLabel: { formatter: v => v === 0 ? "0" : Numbers.brief(10 ** v) } } : { splitNumber: 4, axisLabel: { formatter: Numbers.brief } }),
            series: [{
                type: "line", step: "end", data: outline, showSymbol: false, lineStyle: { color: colour("second"), width: 1.25 }, areaStyle: { color: colour("second"), opacity: 0.22 }, emphasis: { disabled: true },
                markArea: { silent: true, itemStyle: { color: colour("after-soft") }, data: [[{ xAxis: rangeLow }, { xAxis: rangeHigh }]] },
                markLine: { silent: true, symbol: "none", precision: LinePrecision, label: { show: false }, lineStyle: { color: colour("after"), type: "solid", width: 1.75 }, data: [{ xAxis: rangeLow }, { xAxis: rangeHigh }] },
            }],
        };
    });
}
