// Swagger UI is dark where the reader's system is.

const dark = matchMedia("(prefers-color-scheme: dark)");

export function followSystem(): void {
  const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", apply);
  apply();
}
