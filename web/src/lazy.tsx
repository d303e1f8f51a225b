import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { Button } from "./ui/button";
import { Loading } from "./ui/states";
import { t } from "./texts";

/**
 * lazy makes a component whose code is fetched when it is first shown. If that fails, the
 * server most likely has a newer build: loading the page anew is what helps.
 */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> & { fetch(): void } {
  const loaded = signal<ComponentType<P> | undefined>(undefined);
  const failed = signal(false);
  let asked = false;
  const fetch = () => {
    if (asked) return;
    asked = true;
    load().then(
      (component) => {
        loaded.value = component;
      },
      () => {
        asked = false;
        failed.value = true;
      },
    );
  };
  const Lazy = (props: P) => {
    fetch();
    const Loaded = loaded.value;
    if (Loaded !== undefined) return <Loaded {...props} />;
    if (!failed.value) return <Loading />;
    return (
      <main id="content" class="state">
        <p class="state-title">{t("outdated")}</p>
        <Button onClick={() => location.reload()}>{t("reload")}</Button>
      </main>
    );
  };
  return Object.assign(Lazy, { fetch });
}
