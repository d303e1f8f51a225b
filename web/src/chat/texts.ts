import { dictionary } from "../i18n/dictionary";

export const t = dictionary({
  conversation: { ar: "المحادثة", en: "Conversation", fr: "Conversation" },
  write: { ar: "اكتب رسالة", en: "Write a message", fr: "Écrire un message" },
  send: { ar: "إرسال", en: "Send", fr: "Envoyer" },
  hint: {
    ar: "زر الإدخال للإرسال، وShift مع الإدخال لسطر جديد",
    en: "Enter sends, Shift with Enter begins a new line",
    fr: "Entrée pour envoyer, Maj et Entrée pour une nouvelle ligne",
  },
  too_long: {
    ar: "النص أطول من المسموح بمقدار {count} من الأحرف.",
    en: { one: "One character too long.", other: "{count} characters too long." },
    fr: { one: "Un caractère de trop.", many: "{count} caractères de trop.", other: "{count} caractères de trop." },
  },
  empty: { ar: "لا رسائل بعد", en: "No messages yet", fr: "Aucun message pour l’instant" },
  empty_text: {
    ar: "ما يُكتب هنا يُحفظ ويراه كل من له حق الاطلاع على المحادثة.",
    en: "What is written here is kept, and is seen by all who belong to the conversation.",
    fr: "Ce qui est écrit ici est conservé et visible par tous les membres de la conversation.",
  },
  older: { ar: "جارٍ تحميل رسائل أقدم…", en: "Loading older messages…", fr: "Chargement des messages plus anciens…" },
  beginning: { ar: "بداية المحادثة", en: "The beginning of the conversation", fr: "Début de la conversation" },
  newest: { ar: "إلى أحدث الرسائل", en: "To the newest messages", fr: "Vers les messages récents" },
  new_below: { ar: "رسائل جديدة أدناه", en: "New messages below", fr: "Nouveaux messages ci-dessous" },
  unread_from_here: { ar: "غير مقروءة", en: "Unread", fr: "Non lus" },
  sending: { ar: "قيد الإرسال", en: "Sending", fr: "En cours d’envoi" },
  waiting: { ar: "تُرسل عند عودة الاتصال", en: "Will be sent when the connection is back", fr: "Sera envoyé au retour de la connexion" },
  stored: { ar: "حُفظت", en: "Stored", fr: "Enregistré" },
  read: { ar: "قُرئت", en: "Read", fr: "Lu" },
  failed: { ar: "لم تُرسل.", en: "Not sent.", fr: "Non envoyé." },
  retry: { ar: "إعادة الإرسال", en: "Send again", fr: "Renvoyer" },
  discard: { ar: "تجاهل", en: "Discard", fr: "Supprimer" },
  you: { ar: "أنت", en: "You", fr: "Vous" },
  said: { ar: "{name}: {text}", en: "{name}: {text}", fr: "{name} : {text}" },
  opens_elsewhere: { ar: "يُفتح في نافذة جديدة", en: "opens in a new window", fr: "s’ouvre dans une nouvelle fenêtre" },
});
