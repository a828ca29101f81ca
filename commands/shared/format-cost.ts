/** US dollars: `$0.0012`, and `under $0.0001` for what rounds to nothing. */
export function formatCost(usd: number): string {
  if (usd > 0 && usd < 0.0001) return 'under $0.0001';
  return `$${usd < 1 ? usd.toFixed(4) : usd.toFixed(2)}`;
}
