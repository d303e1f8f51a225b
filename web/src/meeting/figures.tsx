import { useSignal } from "@preact/signals";
import { Copy, X } from "lucide";
import { number } from "../i18n/dictionary";
import { nameOf } from "../state/directory";
import type { Report, Row } from "../media/stats";
import { Button, IconButton } from "../ui/button";
import { qualityText } from "./quality";
import type { MeetingSession } from "./session";
import { t } from "./texts";

const kilobits = (rate: number) => Math.round(rate / 1000);

/** "Layla Haddad, camera" for what arrives; the source and rid for our own. */
function nameRow(row: Row): string {
  if (row.direction === "out") return row.name;
  const cut = row.name.lastIndexOf("/");
  return `${nameOf(row.name.slice(0, cut))} · ${row.name.slice(cut + 1)}`;
}

function cells(row: Row): (string | number)[] {
  return [
    row.codec,
    kilobits(row.bitrate),
    row.width && row.height ? `${row.width}×${row.height}` : "",
    row.fps ? Math.round(row.fps) : "",
    Math.round(row.loss * 1000) / 10,
    row.freezes ?? "",
    row.jitter === undefined ? "" : Math.round(row.jitter * 1000),
    row.limited && row.limited !== "none" ? row.limited : row.active === false ? "off" : "",
  ];
}

/** The same as plain text, for support. */
export function figuresText(session: MeetingSession, report: Report): string {
  const { healing, state } = session.connection.value ?? {};
  const head = [
    `meeting ${session.id}`,
    `at ${new Date().toISOString()}`,
    `browser ${navigator.userAgent}`,
    `state ${state?.value ?? "closed"}; restarts ${healing?.restarts ?? 0}, rebuilds ${healing?.rebuilds ?? 0}`,
    `round trip ${Math.round((report.roundTrip ?? 0) * 1000)} ms; in ${kilobits(report.received)} kbit/s, out ${kilobits(report.sent)} kbit/s`,
    `route ${report.local ?? "?"} -> ${report.remote ?? "?"}; ${report.cipher ?? ""} ${report.dtls ?? ""}`,
  ];
  const rows = report.rows.map((row) => [row.direction, nameRow(row), ...cells(row)].join("\t"));
  return [...head, "way\tsource\tcodec\tkbit/s\tsize\tfps\tloss %\tfreezes\tjitter ms\tlimit", ...rows].join("\n");
}

/** The figures behind the words, over the meeting. */
export function Figures({ session, onClose }: { session: MeetingSession; onClose: () => void }) {
  const copied = useSignal(false);
  const report = session.statistics.value?.report.value;
  const own = session.statistics.value?.own.value;
  const healing = session.connection.value?.healing;
  const copy = async () => {
    if (!report) return;
    await navigator.clipboard.writeText(figuresText(session, report));
    copied.value = true;
    setTimeout(() => (copied.value = false), 2000);
  };
  return (
    <section class="figures-card" aria-labelledby="figures-title">
      <header>
        <h2 id="figures-title">{t("figures_title")}</h2>
        <Button size="small" icon={Copy} disabled={!report} onClick={() => void copy()}>
          {copied.value ? t("copied") : t("copy")}
        </Button>
        <IconButton icon={X} label={t("close_panel")} onClick={onClose} />
      </header>
      {!report ? (
        <p class="quiet">{t("figures_none")}</p>
      ) : (
        <>
          <p class="quiet">{t("figures_hint")}</p>
          <dl class="figures-facts figures">
            <Fact name={t("f_state")} value={own ? qualityText(own) : ""} />
            <Fact name={t("f_round_trip")} value={report.roundTrip === undefined ? "" : `${Math.round(report.roundTrip * 1000)} ms`} />
            <Fact name={t("f_received")} value={`${kilobits(report.received)} kbit/s`} />
            <Fact name={t("f_sent")} value={`${kilobits(report.sent)} kbit/s`} />
            <Fact name={t("f_route")} value={`${report.local ?? "?"} → ${report.remote ?? "?"}`} />
            <Fact name={t("f_cipher")} value={report.cipher ?? ""} />
            <Fact name={t("f_healing")} value={number((healing?.restarts ?? 0) + (healing?.rebuilds ?? 0))} />
          </dl>
          <div class="figures-scroll" tabIndex={0} role="region" aria-labelledby="figures-title">
            <table class="figures">
              <thead>
                <tr>
                  <th scope="col">{t("f_direction")}</th>
                  <th scope="col">{t("f_what")}</th>
                  <th scope="col">{t("f_codec")}</th>
                  <th scope="col">{t("f_rate")}</th>
                  <th scope="col">{t("f_size")}</th>
                  <th scope="col">{t("f_fps")}</th>
                  <th scope="col">{t("f_loss")}</th>
                  <th scope="col">{t("f_freezes")}</th>
                  <th scope="col">{t("f_jitter")}</th>
                  <th scope="col">{t("f_limit")}</th>
                </tr>
              </thead>
              <tbody>
                {report.rows.map((row) => (
                  <tr key={`${row.direction}${row.mid}${row.name}`}>
                    <td>{row.direction === "in" ? t("f_in") : t("f_out")}</td>
                    <th scope="row">
                      <bdi>{nameRow(row)}</bdi>
                    </th>
                    {cells(row).map((cell, i) => (
                      <td key={i} dir="ltr">
                        {cell}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <bdi dir="auto">{value || "–"}</bdi>
      </dd>
    </div>
  );
}
