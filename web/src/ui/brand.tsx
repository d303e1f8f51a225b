interface BrandMarkProps {
  /** Side in px. */
  size?: number;
}

/** The sign of Tarasul: the eight-pointed star that ends a section in old manuscripts. */
export function BrandMark({ size = 32 }: BrandMarkProps) {
  return (
    <svg class="brand-mark" width={size} height={size} viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <g fill="none" stroke="currentColor" stroke-width="4" stroke-linejoin="round">
        <rect x="16" y="16" width="32" height="32" />
        <rect x="16" y="16" width="32" height="32" transform="rotate(45 32 32)" />
      </g>
      <circle cx="32" cy="32" r="5.5" class="brand-heart" />
    </svg>
  );
}
