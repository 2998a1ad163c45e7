// The values of a curve where the pointer is, and what is folded laid open for paper.
"use strict";
for (const figure of document.querySelectorAll(".chart")) {
    const svg = figure.querySelector("svg");
    const points = [...svg.querySelectorAll(".points g")].map((g) => g.dataset);
    const names = [...figure.querySelectorAll(".legend .key")].map((key) => key.textContent);
    const drawing = document.createElementNS(svg.namespaceURI, "g");
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    svg.append(drawing);
    figure.append(tip);

    function add(kind, attributes) {
        const element = document.createElementNS(svg.namespaceURI, kind);
        for (const name in attributes) {
            element.setAttribute(name, attributes[name]);
        }
        drawing.append(element);
    }

    function hide() {
        tip.hidden = true;
        drawing.replaceChildren();
    }

    function show(event) {
        const box = svg.getBoundingClientRect();
        const scale = box.width / svg.viewBox.baseVal.width;
        const x = (event.clientX - box.left) / scale;
        const near = points.reduce((best, point) =>
            Math.abs(point.x - x) < Math.abs(best.x - x) ? point : best);
        hide();
        add("line", { class: "marker", x1: near.x, x2: near.x, y1: svg.dataset.top,
            y2: svg.dataset.bottom });
        const lines = ["epoch " + near.epoch];
        names.forEach((name, k) => {
            if (near["v" + k] !== undefined) {
                add("circle", { class: "dot s" + k, cx: near.x, cy: near["y" + k], r: 4 });
                lines.push(name + " " + near["v" + k]);
            }
        });
        tip.replaceChildren(...lines.flatMap((line) => [document.createElement("br"), line]).slice(1));
        tip.hidden = false;
        const left = near.x * scale + (near.x > svg.viewBox.baseVal.width / 2
            ? -tip.offsetWidth - 10 : 10);
        tip.style.left = Math.max(0, left) + "px";
        tip.style.top = box.top - figure.getBoundingClientRect().top + 14 + "px";
    }

    if (points.length > 0) {
        svg.addEventListener("pointermove", show);
        svg.addEventListener("pointerdown", show);
        svg.addEventListener("pointerleave", hide);
    }
}
addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) {
        part.open = true;
    }
});
