import { dictionary } from "../i18n/dictionary";

/** Texts of the components and of every fault that a person can meet. */
export const t = dictionary({
  close: { ar: "إغلاق", en: "Close", fr: "Fermer" },
  cancel: { ar: "إلغاء", en: "Cancel", fr: "Annuler" },
  retry: { ar: "المحاولة مجددًا", en: "Try again", fr: "Réessayer" },
  loading: { ar: "جارٍ التحميل…", en: "Loading…", fr: "Chargement…" },
  show_password: { ar: "إظهار كلمة المرور", en: "Show the password", fr: "Afficher le mot de passe" },
  hide_password: { ar: "إخفاء كلمة المرور", en: "Hide the password", fr: "Masquer le mot de passe" },
  optional: { ar: "اختياري", en: "optional", fr: "facultatif" },
  code: { ar: "الرمز: {code}", en: "Code: {code}", fr: "Code : {code}" },
  online: { ar: "متصل الآن", en: "Online", fr: "En ligne" },
  notice: { ar: "تنبيه", en: "Notice", fr: "Avis" },
  copy: { ar: "نسخ", en: "Copy", fr: "Copier" },
  copied: { ar: "تم النسخ", en: "Copied", fr: "Copié" },

  fault_offline: {
    ar: "لا يوجد رد من الخادم. تحقق من اتصال جهازك بالشبكة، ثم حاول مجددًا.",
    en: "The server does not answer. Check that this computer is on the network, then try again.",
    fr: "Le serveur ne répond pas. Vérifiez que cet ordinateur est connecté au réseau, puis réessayez.",
  },
  fault_version: {
    ar: "حُدِّث النظام. أعد تحميل الصفحة للمتابعة.",
    en: "The system has been updated. Load the page again to go on.",
    fr: "Le système a été mis à jour. Rechargez la page pour continuer.",
  },
  fault_unauthenticated: {
    ar: "انتهى تسجيل دخولك. سجّل الدخول مرة أخرى.",
    en: "Your sign-in has ended. Sign in again.",
    fr: "Votre session a pris fin. Connectez-vous à nouveau.",
  },
  fault_forbidden: {
    ar: "لا تملك صلاحية القيام بذلك. راجع رئيس الاجتماع أو مسؤول النظام.",
    en: "You are not permitted to do this. Ask the chair or an administrator.",
    fr: "Vous n’êtes pas autorisé à faire cela. Adressez-vous au président ou à un administrateur.",
  },
  fault_not_found: {
    ar: "ما تبحث عنه غير موجود، أو غير متاح لك. تحقق من الرابط مع من أرسله إليك.",
    en: "This does not exist, or is not open to you. Check the link with whoever sent it.",
    fr: "Cet élément n’existe pas ou ne vous est pas accessible. Vérifiez le lien auprès de la personne qui vous l’a envoyé.",
  },
  fault_malformed: {
    ar: "لم يفهم الخادم الطلب. أعد تحميل الصفحة، وإن تكرر الأمر فأبلغ مسؤول النظام.",
    en: "The server did not understand the request. Load the page again; if it happens again, tell an administrator.",
    fr: "Le serveur n’a pas compris la demande. Rechargez la page ; si cela se reproduit, prévenez un administrateur.",
  },
  fault_invalid: {
    ar: "إحدى القيم غير مقبولة. راجع الحقول وصحّحها.",
    en: "One of the values is not accepted. Look over the fields and correct it.",
    fr: "L’une des valeurs n’est pas acceptée. Vérifiez les champs et corrigez-la.",
  },
  fault_too_large: {
    ar: "النص أطول من المسموح. اختصره أو قسّمه.",
    en: "This is longer than allowed. Shorten it or divide it.",
    fr: "Le texte dépasse la longueur autorisée. Raccourcissez-le ou divisez-le.",
  },
  fault_rate_limited: {
    ar: "محاولات كثيرة متتابعة. انتظر قليلًا ثم حاول مجددًا.",
    en: "Too many attempts in a row. Wait a little, then try again.",
    fr: "Trop de tentatives à la suite. Patientez un instant, puis réessayez.",
  },
  fault_conflict: {
    ar: "غيّر شخص آخر هذا قبلك. راجع الحالة الآن ثم حاول مجددًا.",
    en: "Somebody else changed this before you. Look at it as it is now, then try again.",
    fr: "Quelqu’un d’autre a modifié cet élément avant vous. Vérifiez son état actuel, puis réessayez.",
  },
  fault_meeting_full: {
    ar: "اكتمل عدد المشاركين في الاجتماع. اطلب من رئيس الاجتماع إخلاء مقعد.",
    en: "The meeting is full. Ask its chair to free a seat.",
    fr: "La réunion est complète. Demandez à son président de libérer une place.",
  },
  fault_meeting_locked: {
    ar: "أُغلق باب الدخول إلى الاجتماع. اطلب من رئيسه فتحه.",
    en: "The meeting is locked. Ask its chair to open it.",
    fr: "La réunion est verrouillée. Demandez à son président de l’ouvrir.",
  },
  fault_meeting_ended: { ar: "انتهى هذا الاجتماع.", en: "This meeting has ended.", fr: "Cette réunion est terminée." },
  fault_meeting_not_open: {
    ar: "لم يبدأ الاجتماع بعد. يفتح عند وصول رئيسه.",
    en: "The meeting has not begun. It opens when its chair arrives.",
    fr: "La réunion n’a pas commencé. Elle s’ouvrira à l’arrivée de son président.",
  },
  fault_entry_refused: {
    ar: "لم يُسمح لك بدخول هذا الاجتماع. تواصل مع رئيسه إن كان ذلك خطأ.",
    en: "You were not admitted to this meeting. If that is a mistake, write to its chair.",
    fr: "Vous n’avez pas été admis à cette réunion. S’il s’agit d’une erreur, écrivez à son président.",
  },
  fault_removed: {
    ar: "أخرجك رئيس الاجتماع، ولا يمكنك العودة إليه.",
    en: "A chair removed you from this meeting, and you cannot come back to it.",
    fr: "Le président vous a retiré de cette réunion et vous ne pouvez pas y revenir.",
  },
  fault_not_seated: {
    ar: "لست في هذا الاجتماع الآن. انضم إليه من جديد.",
    en: "You are not in this meeting now. Join it again.",
    fr: "Vous n’êtes plus dans cette réunion. Rejoignez-la à nouveau.",
  },
  fault_media_failed: {
    ar: "تعذّر إعداد الصوت والصورة. حاول مجددًا، أو استخدم متصفحًا أحدث.",
    en: "Voice and picture could not be set up. Try again, or use a newer browser.",
    fr: "Le son et l’image n’ont pas pu être établis. Réessayez ou utilisez un navigateur plus récent.",
  },
  fault_wrong_password: {
    ar: "اسم المستخدم أو كلمة المرور غير صحيحة.",
    en: "The user name or the password is not right.",
    fr: "Le nom d’utilisateur ou le mot de passe est incorrect.",
  },
  fault_weak_password: {
    ar: "كلمة المرور سهلة التخمين. اختر كلمة أطول، من عدة كلمات لا علاقة بينها.",
    en: "This password is easy to guess. Choose a longer one, of several words that do not belong together.",
    fr: "Ce mot de passe est facile à deviner. Choisissez-en un plus long, composé de plusieurs mots sans rapport entre eux.",
  },
  fault_password_change: {
    ar: "عليك تغيير كلمة المرور الأولى قبل المتابعة.",
    en: "The first password must be changed before you go on.",
    fr: "Le premier mot de passe doit être changé avant de continuer.",
  },
  fault_name_taken: { ar: "هذا الاسم مستخدم. اختر اسمًا آخر.", en: "This name is taken. Choose another.", fr: "Ce nom est déjà pris. Choisissez-en un autre." },
  fault_last_administrator: {
    ar: "هذا آخر مسؤول للنظام. عيّن مسؤولًا آخر أولًا.",
    en: "This is the last administrator. Appoint another one first.",
    fr: "C’est le dernier administrateur. Nommez-en d’abord un autre.",
  },
  fault_unavailable: {
    ar: "الخادم مشغول أو يُعاد تشغيله. حاول بعد لحظات.",
    en: "The server is busy or restarting. Try again in a moment.",
    fr: "Le serveur est occupé ou redémarre. Réessayez dans un instant.",
  },
  fault_internal: {
    ar: "حدث خطأ في النظام. حاول مجددًا، وإن تكرر فأعطِ مسؤول النظام الرمز أدناه.",
    en: "Something went wrong in the system. Try again; if it happens again, give the administrator the code below.",
    fr: "Une erreur s’est produite dans le système. Réessayez ; si elle se reproduit, communiquez le code ci-dessous à l’administrateur.",
  },
});
