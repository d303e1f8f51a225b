import { CircleAlert, Info, RefreshCw, TriangleAlert } from "lucide";
import type { IconNode } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Refused } from "../net/refused";
import { Button } from "./button";
import { faultCode, faultText } from "./fault";
import { Icon } from "./icon";
import { t } from "./texts";
import "./states.css";

interface EmptyStateProps {
  icon: IconNode;
  title: string;
  children?: ComponentChildren;
  /** What the person can do about it. */
  action?: ComponentChildren;
}

/** Nothing is here, why that is so, and what to do. */
export function EmptyState({ icon, title, children, action }: EmptyStateProps) {
  return (
    <div class="state">
      <span class="state-icon">
        <Icon of={icon} size={28} />
      </span>
      <p class="state-title">{title}</p>
      {children && <p class="state-text">{children}</p>}
      {action}
    </div>
  );
}

interface ErrorStateProps {
  fault: Refused;
  onRetry?: () => void;
}

/** What happened, what to do, and a small code for the operator. */
export function ErrorState({ fault, onRetry }: ErrorStateProps) {
  return (
    <div class="state" role="alert">
      <span class="state-icon state-icon-fault">
        <Icon of={CircleAlert} size={28} />
      </span>
      <p class="state-title">{faultText(fault)}</p>
      {onRetry && (
        <Button icon={RefreshCw} onClick={onRetry}>
          {t("retry")}
        </Button>
      )}
      <p class="state-code">{t("code", { code: faultCode(fault) })}</p>
    </div>
  );
}

/** An error inside a form or a card: one line, the code below. */
export function FaultNote({ fault }: { fault: Refused | undefined }) {
  if (fault === undefined) return null;
  return (
    <div class="fault-note" role="alert">
      <Icon of={CircleAlert} />
      <p>
        {faultText(fault)} <small>{t("code", { code: faultCode(fault) })}</small>
      </p>
    </div>
  );
}

const quietFor = 300; // ms before anything is drawn: what is quick needs no notice
const speechlessFor = 1_000; // ms after which words must stand beside the turning ring

/** Something is coming. Nothing at first, then a ring, then words. */
export function Loading({ label }: { label?: string }) {
  const [stage, setStage] = useState(0);
  useEffect(() => {
    const ring = setTimeout(() => setStage(1), quietFor);
    const words = setTimeout(() => setStage(2), speechlessFor);
    return () => {
      clearTimeout(ring);
      clearTimeout(words);
    };
  }, []);
  return (
    <div class="loading" role="status">
      {stage > 0 && <span class="loading-ring" aria-hidden="true" />}
      <span class={stage > 1 ? "" : "unseen"}>{label ?? t("loading")}</span>
    </div>
  );
}

interface BannerProps {
  kind: "alert" | "danger" | "info";
  children: ComponentChildren;
  action?: ComponentChildren;
  /** Announced when it appears; not for what stands there from the start. */
  live?: boolean;
}

/** A line across the page about the state of the whole. */
export function Banner({ kind, children, action, live = false }: BannerProps) {
  return (
    <aside class={`banner banner-${kind}`} aria-label={t("notice")}>
      <Icon of={kind === "info" ? Info : TriangleAlert} size={18} />
      <p role={live ? "status" : undefined}>{children}</p>
      {action}
    </aside>
  );
}
