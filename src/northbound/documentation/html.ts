/** Text made safe for HTML; marks are added around it by whoever calls. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

/** What stands between backticks as code; a blank line parts paragraphs. */
export function prose(text: string): string {
  return text
    .split(/\n{2,}/)
    .map((part) => `<p>${escaped(part).replace(/`([^`]+)`/g, '<code>$1</code>')}</p>`)
    .join('');
}
