import { dictionary } from "./i18n/dictionary";

/** Texts of the frame around the pages. */
export const t = dictionary({
  name: { ar: "تراسل", en: "Tarasul", fr: "Tarasul" },
  skip: { ar: "الانتقال إلى المحتوى", en: "Skip to the content", fr: "Aller au contenu" },
  navigation: { ar: "الأقسام", en: "Sections", fr: "Rubriques" },
  meetings: { ar: "الاجتماعات", en: "Meetings", fr: "Réunions" },
  messages: { ar: "الرسائل", en: "Messages", fr: "Messages" },
  people: { ar: "الأشخاص", en: "People", fr: "Personnes" },
  settings: { ar: "الإعدادات", en: "Settings", fr: "Paramètres" },
  account: { ar: "حساب {name}", en: "Account of {name}", fr: "Compte de {name}" },
  sign_out: { ar: "تسجيل الخروج", en: "Sign out", fr: "Se déconnecter" },
  language: { ar: "اللغة", en: "Language", fr: "Langue" },
  use_light: { ar: "المظهر الفاتح", en: "Light appearance", fr: "Apparence claire" },
  use_dark: { ar: "المظهر الداكن", en: "Dark appearance", fr: "Apparence sombre" },
  unread: {
    ar: {
      zero: "لا رسائل غير مقروءة",
      one: "رسالة غير مقروءة",
      two: "رسالتان غير مقروءتين",
      few: "{count} رسائل غير مقروءة",
      many: "{count} رسالة غير مقروءة",
      other: "{count} رسالة غير مقروءة",
    },
    en: { one: "{count} unread message", other: "{count} unread messages" },
    fr: { one: "{count} message non lu", many: "{count} messages non lus", other: "{count} messages non lus" },
  },
  demonstration: {
    ar: "نسخة تجريبية: كلمات المرور معلنة، فلا تكتب فيها شيئًا سريًّا.",
    en: "Demonstration: its passwords are public. Write nothing confidential here.",
    fr: "Démonstration : les mots de passe sont publics. N’y écrivez rien de confidentiel.",
  },
  invitation: { ar: "بدأ «{title}» برئاسة {name}، وأنت مدعو إليه.", en: "“{title}” has begun, chaired by {name}. You are invited.", fr: "« {title} » a commencé, présidée par {name}. Vous êtes invité." },
  join: { ar: "انضمام", en: "Join", fr: "Rejoindre" },
  not_now: { ar: "ليس الآن", en: "Not now", fr: "Pas maintenant" },
  connecting: { ar: "جارٍ الاتصال بالخادم…", en: "Connecting to the server…", fr: "Connexion au serveur…" },
  reconnecting: {
    ar: "انقطع الاتصال بالخادم، وتجري استعادته. لا يضيع شيء مما كتبت.",
    en: "The connection was lost and is being restored. Nothing that you wrote is lost.",
    fr: "La connexion est interrompue et se rétablit. Rien de ce que vous avez écrit n’est perdu.",
  },
  offline: {
    ar: "هذا الجهاز غير متصل بالشبكة. تحقق من الكابل أو الشبكة اللاسلكية؛ سنتابع تلقائيًّا عند عودتها.",
    en: "This computer is not on the network. Check the cable or Wi-Fi; work goes on by itself when it is back.",
    fr: "Cet ordinateur n’est pas connecté au réseau. Vérifiez le câble ou le Wi-Fi ; tout reprendra automatiquement.",
  },
  reconnected: { ar: "عاد الاتصال.", en: "Connected again.", fr: "Connexion rétablie." },
  outdated: {
    ar: "حُدِّث النظام. أعد تحميل الصفحة للمتابعة.",
    en: "The system has been updated. Load the page again to go on.",
    fr: "Le système a été mis à jour. Rechargez la page pour continuer.",
  },
  reload: { ar: "إعادة التحميل", en: "Reload", fr: "Recharger" },
  not_found: { ar: "لا توجد صفحة بهذا العنوان", en: "There is no page at this address", fr: "Aucune page à cette adresse" },
  not_found_text: {
    ar: "ربما تغيّر الرابط أو نُسخ ناقصًا.",
    en: "The link may have changed, or was copied only in part.",
    fr: "Le lien a peut-être changé ou n’a été copié qu’en partie.",
  },
  to_home: { ar: "إلى الصفحة الرئيسية", en: "To the home page", fr: "Vers la page d’accueil" },
});
