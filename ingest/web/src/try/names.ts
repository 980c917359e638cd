// Names for what Swagger UI leaves without one, so that screen readers can tell controls apart.

const CONTROLS = "select, textarea, input:not([type=hidden], [type=submit])";

export function nameControls(root: HTMLElement): void {
  const name = () => {
    root.querySelectorAll<HTMLElement>(CONTROLS).forEach(nameControl);
    root.querySelectorAll<HTMLElement>("pre").forEach(makeFocusable);
    root.querySelector(".close-modal")?.setAttribute("aria-label", "Close");
    // Its label is other than its text, by which it is called with the voice.
    root.querySelectorAll(".auth-btn-wrapper [aria-label]").forEach(sayText);
  };
  new MutationObserver(name).observe(root, { childList: true, subtree: true });
  name();
}

function nameControl(control: HTMLElement): void {
  const { labels } = control as HTMLInputElement;
  if (!labels?.length && !control.hasAttribute("aria-label")) {
    control.setAttribute("aria-label", nameOf(control));
  }
}

function nameOf(control: HTMLElement): string {
  const parameter = control.closest<HTMLElement>("tr[data-param-name]");
  if (control.closest(".examples-select")) {
    return parameter ? `Example of ${parameter.dataset.paramName}` : "Example";
  }
  if (parameter?.dataset.paramName) {
    return parameter.dataset.paramName;
  }
  if (control.closest(".response-content-type, .responses-wrapper")) {
    return "Media type of the answer";
  }
  if (control.closest(".body-param-content-type")) {
    return "Media type of the body";
  }
  return control.closest(".opblock-section-request-body") ? "Request body" : "Filter by tag";
}

// What scrolls must be reached with the keyboard to be scrolled.
function makeFocusable(text: HTMLElement): void {
  text.tabIndex = 0;
}

function sayText(button: Element): void {
  button.removeAttribute("aria-label");
}
