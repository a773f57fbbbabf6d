// Draws each diagram of the page, and draws again when the reader changes the theme. mermaid is our own copy.
(() => {
  const palettes = {
    light: { primaryColor: "#e3eff5", primaryBorderColor: "#0b6480", primaryTextColor: "#1c2b33", lineColor: "#52636c",
             secondaryColor: "#fdeedd", tertiaryColor: "#f5f7f8", edgeLabelBackground: "#ffffff" },
    dark: { primaryColor: "#1c3b48", primaryBorderColor: "#6cc3de", primaryTextColor: "#e8eef1", lineColor: "#a9b8c0",
            secondaryColor: "#4a3a25", tertiaryColor: "#232c31", edgeLabelBackground: "#14181a", darkMode: true },
  };
  const theme = () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");
  const width = (drawing) => drawing.firstElementChild.viewBox.baseVal.width;
  const legible = 0.7; // letters of 16 px may shrink to 11; what is still too wide scrolls
  let drawn = null;

  async function draw() {
    if (drawn === theme()) return;
    drawn = theme();
    mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: "base", fontFamily: "inherit",
                         themeVariables: { ...palettes[drawn], fontSize: "16px" } });
    for (const [number, diagram] of document.querySelectorAll(".diagram").entries()) {
      const source = diagram.querySelector(".diagram-source").textContent;
      const drawing = diagram.querySelector(".diagram-drawing");
      await render(number, drawing, source);
      // On a phone a drawing from left to right would be too small to read: it runs downwards there, if that is narrower.
      const across = width(drawing);
      if (drawing.clientWidth < legible * across) {
        await render(number, drawing, source.replace(/^(\s*(?:flowchart|graph)) (?:LR|RL)/, "$1 TB"));
        if (width(drawing) > across) await render(number, drawing, source);
      }
      drawing.firstElementChild.style.minWidth = `${legible * width(drawing)}px`;
      diagram.classList.add("is-drawn");
    }
  }

  async function render(number, drawing, source) {
    const { svg } = await mermaid.render(`diagram-${number}`, source);
    drawing.innerHTML = svg;
  }

  draw();
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
})();
