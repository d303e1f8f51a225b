import { dictionary } from "../i18n/dictionary";

export const t = dictionary({
  title: { ar: "الإعدادات", en: "Settings", fr: "Paramètres" },
  look: { ar: "اللغة والمظهر", en: "Language and appearance", fr: "Langue et apparence" },
  language: { ar: "اللغة", en: "Language", fr: "Langue" },
  theme: { ar: "المظهر", en: "Appearance", fr: "Apparence" },
  theme_light: { ar: "فاتح", en: "Light", fr: "Clair" },
  theme_dark: { ar: "داكن", en: "Dark", fr: "Sombre" },
  theme_system: { ar: "كما في الجهاز", en: "As the computer", fr: "Comme l’ordinateur" },
  digits: { ar: "الأرقام", en: "Digits", fr: "Chiffres" },
  digits_arab: { ar: "٠١٢٣ المشرقية", en: "٠١٢٣ Arabic-Indic", fr: "٠١٢٣ arabes orientaux" },
  digits_latn: { ar: "0123 المغربية", en: "0123 Latin", fr: "0123 latins" },
  look_note: { ar: "تُحفظ في هذا المتصفح وتسري فورًا.", en: "Kept in this browser, and in force at once.", fr: "Conservé dans ce navigateur, avec effet immédiat." },
  account: { ar: "حسابك", en: "Your account", fr: "Votre compte" },
  login: { ar: "اسم المستخدم", en: "User name", fr: "Nom d’utilisateur" },
  password: { ar: "كلمة المرور", en: "Password", fr: "Mot de passe" },
  password_text: {
    ar: "تغييرها يُنهي دخولك من كل جهاز آخر.",
    en: "Changing it signs you out on every other device.",
    fr: "La changer vous déconnecte de tous vos autres appareils.",
  },
  change_password: { ar: "تغيير كلمة المرور", en: "Change the password", fr: "Changer le mot de passe" },
  password_changed: { ar: "تغيّرت كلمة المرور.", en: "The password is changed.", fr: "Le mot de passe est changé." },
  sign_out: { ar: "تسجيل الخروج", en: "Sign out", fr: "Se déconnecter" },
  sign_out_everywhere: { ar: "تسجيل الخروج من كل الأجهزة", en: "Sign out everywhere", fr: "Se déconnecter partout" },
  sign_out_text: {
    ar: "إن تركت متصفحًا مفتوحًا في مكان آخر، فأنهِ دخولك منه من هنا.",
    en: "If you left a browser open somewhere else, end its sign-in from here.",
    fr: "Si vous avez laissé un navigateur ouvert ailleurs, fermez-y votre session d’ici.",
  },
  everywhere_text: {
    ar: "ينتهي دخولك من كل متصفح، ومن هذا أيضًا، وتخرج من أي اجتماع أنت فيه.",
    en: "Your sign-in ends in every browser, this one too, and you leave any meeting that you are in.",
    fr: "Votre session se termine dans tous les navigateurs, y compris celui-ci, et vous quittez toute réunion en cours.",
  },
});
