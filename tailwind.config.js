/** @type {import('tailwindcss').Config} */
export default {
  content: ["./views/**/*.templ", "./static/src/js/*.js"],
  darkMode: ["selector", '[data-theme="afterhours"]'],
  theme: {
    extend: {
      colors: {
        paper: "var(--paper)", pane: "var(--pane)", sunk: "var(--sunk)", ink: "var(--ink)", "ink-2": "var(--ink-2)",
        line: "var(--line)", sill: "var(--sill)", accent: "var(--accent)", lamp: "var(--lamp)", good: "var(--good)", bad: "var(--bad)",
      },
      fontFamily: { ui: ["var(--ff-ui)"], sign: ["var(--ff-sign)"] },
      borderRadius: { 1: "2px", 2: "4px", 3: "8px" },
    },
  },
};
