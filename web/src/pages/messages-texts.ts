import { dictionary } from "../i18n/dictionary";

export const t = dictionary({
  title: { ar: "الرسائل", en: "Messages", fr: "Messages" },
  with: { ar: "الرسائل مع {name}", en: "Messages with {name}", fr: "Messages avec {name}" },
  search: { ar: "ابحث عن شخص", en: "Search a person", fr: "Chercher une personne" },
  conversations: { ar: "المحادثات", en: "Conversations", fr: "Conversations" },
  found: { ar: "أشخاص", en: "People", fr: "Personnes" },
  none: { ar: "لا محادثات بعد", en: "No conversations yet", fr: "Aucune conversation" },
  none_text: { ar: "ابحث أعلاه عن شخص لتكتب إليه.", en: "Search a person above to write to them.", fr: "Cherchez ci-dessus une personne à qui écrire." },
  no_match: { ar: "لا أحد بهذا الاسم.", en: "Nobody by that name.", fr: "Personne à ce nom." },
  choose: { ar: "اختر محادثة", en: "Choose a conversation", fr: "Choisissez une conversation" },
  choose_text: {
    ar: "رسائلك محفوظة على خادم الوزارة، ولا يراها سواك ومن تكاتبه.",
    en: "Your messages are kept on the ministry’s server; only you and the other person see them.",
    fr: "Vos messages sont conservés sur le serveur du ministère ; vous seul et votre correspondant les voyez.",
  },
  back: { ar: "إلى كل المحادثات", en: "To all conversations", fr: "Vers toutes les conversations" },
  away: { ar: "غير متصل الآن", en: "Not online now", fr: "Hors ligne" },
  you: { ar: "أنت: ", en: "You: ", fr: "Vous : " },
  unknown: { ar: "هذا الشخص غير موجود", en: "This person does not exist", fr: "Cette personne n’existe pas" },
  unknown_text: { ar: "ربما تغيّر الرابط.", en: "The link may have changed.", fr: "Le lien a peut-être changé." },
  gone: { ar: "أُوقف حساب هذا الشخص، ولن تصله رسائل جديدة.", en: "This person’s account is disabled; new messages do not reach them.", fr: "Le compte de cette personne est désactivé ; elle ne recevra pas de nouveaux messages." },
});
