// Generated from signaling/protocol by go generate. Do not edit.

export const VERSION = 1;
export const SUBPROTOCOL = "tarasul.v1";
export const MAX_CHAT_RUNES = 8000;
export const MAX_PARTICIPANTS = 30;

export const CLOSE_UNAUTHENTICATED = 4401;
export const CLOSE_SLOW = 4408;
export const CLOSE_REPLACED = 4409;
export const CLOSE_VERSION = 4426;

export type Code = "version" | "unauthenticated" | "forbidden" | "not_found" | "malformed" | "invalid" | "too_large" | "rate_limited" | "conflict" | "meeting_full" | "meeting_locked" | "meeting_ended" | "meeting_not_open" | "entry_refused" | "removed" | "not_seated" | "media_failed" | "wrong_password" | "weak_password" | "password_change" | "name_taken" | "last_administrator" | "unavailable" | "internal";

export interface Refusal {
  code: Code;
  field?: string;
  detail?: string;
  retry_after?: number;
}

export interface SignIn {
  login: string;
  password: string;
}

export type PersonID = string;

export interface Multilingual {
  ar?: string;
  en?: string;
  fr?: string;
}

export type UnitID = string;

export type Role = "leader" | "officer" | "operator" | "archivist" | "auditor" | "administrator";

export interface Person {
  id: PersonID;
  login: string;
  name: Multilingual;
  title: Multilingual;
  unit: UnitID;
  role: Role;
  disabled?: boolean;
  online?: boolean;
}

export interface DemoAccount {
  login: string;
  password: string;
  name: Multilingual;
  title: Multilingual;
  unit: Multilingual;
  role: Role;
}

export interface SessionInfo {
  you?: Person;
  change_password?: boolean;
  demo?: boolean;
  accounts?: DemoAccount[];
}

export interface PasswordChange {
  old: string;
  new: string;
}

export interface Enrol {
  token: string;
  login: string;
  name: Multilingual;
  password: string;
}

export interface Resume {
  token: string;
  seq: number;
}

export interface Hello {
  version: number;
  client?: string;
  language?: string;
  resume?: Resume;
}

export type UnitKind = "headquarters" | "department" | "mission";

export interface Unit {
  id: UnitID;
  kind: UnitKind;
  name: Multilingual;
  parent?: UnitID;
}

export type MeetingID = string;

export type Millis = number;

export type MeetingStatus = "scheduled" | "open" | "ended" | "cancelled";

export type SharePolicy = "everyone" | "chairs";

export interface Meeting {
  id: MeetingID;
  title: Multilingual;
  starts: Millis;
  minutes: number;
  status: MeetingStatus;
  chair: PersonID;
  created_by: PersonID;
  people: PersonID[];
  units: UnitID[];
  lobby: boolean;
  locked: boolean;
  share: SharePolicy;
  seated: number;
  may_join: boolean;
  may_manage: boolean;
}

export type SeatRole = "chair" | "cochair" | "participant";

export interface Seat {
  person: PersonID;
  role: SeatRole;
  joined_at: Millis;
  connected: boolean;
  microphone: boolean;
  camera: boolean;
  screen: boolean;
  hand?: Millis;
  floor?: boolean;
}

export interface Waiting {
  person: PersonID;
  since: Millis;
}

export interface MeetingState {
  meeting: Meeting;
  seats: Seat[];
  waiting?: Waiting[];
  barred?: PersonID[];
  spotlight?: PersonID;
  speaker?: PersonID;
}

export interface Welcome {
  session: string;
  token: string;
  seq: number;
  resumed: boolean;
  you: Person;
  units: Unit[];
  meeting?: MeetingState;
  demo: boolean;
  server_time: Millis;
  grace_seconds: number;
}

export type Ping = Record<string, never>;

export interface Pong {
  server_time: Millis;
}

export type PeopleList = Record<string, never>;

export interface PeopleListed {
  people: Person[];
  units: Unit[];
}

export interface PersonSave {
  id?: PersonID;
  login: string;
  name: Multilingual;
  title: Multilingual;
  unit: UnitID;
  role: Role;
  disabled: boolean;
  password?: string;
  keep_password?: boolean;
}

export interface PersonSaved {
  person: Person;
  password?: string;
}

export interface PersonReset {
  id: PersonID;
}

export interface PersonSignOut {
  id: PersonID;
}

export type None = Record<string, never>;

export interface UnitSave {
  id?: UnitID;
  kind: UnitKind;
  name: Multilingual;
  parent?: UnitID;
}

export interface UnitSaved {
  unit: Unit;
}

export interface MeetingList {
  from: Millis;
  to: Millis;
}

export interface MeetingsListed {
  meetings: Meeting[];
}

export interface MeetingRef {
  meeting: MeetingID;
}

export interface MeetingLooked {
  meeting: Meeting;
  seated: PersonID[];
  audio_slots: number;
  video_slots: number;
}

export interface MeetingSave {
  id?: MeetingID;
  title: Multilingual;
  starts: Millis;
  minutes: number;
  chair?: PersonID;
  people: PersonID[];
  units: UnitID[];
  lobby: boolean;
  share?: SharePolicy;
}

export interface MeetingSaved {
  meeting: Meeting;
}

export type Source = "microphone" | "camera" | "screen" | "screen_audio";

export interface MediaOffer {
  sdp: string;
  sends: Record<string, Source>;
}

export interface MeetingJoin {
  meeting: MeetingID;
  microphone: boolean;
  camera: boolean;
  offer?: MediaOffer;
}

export type JoinOutcome = "seated" | "waiting";

export interface MediaAnswer {
  sdp: string;
  audio_slots: string[];
  video_slots: string[];
}

export interface MeetingJoined {
  outcome: JoinOutcome;
  state?: MeetingState;
  answer?: MediaAnswer;
}

export interface MeetingPerson {
  person: PersonID;
}

export interface MeetingRole {
  person: PersonID;
  role: SeatRole;
}

export interface MeetingHand {
  raised: boolean;
}

export interface MeetingSettings {
  locked?: boolean;
  lobby?: boolean;
  share?: SharePolicy;
}

export interface MeetingMute {
  person?: PersonID;
  source: Source;
}

export interface Tile {
  person: PersonID;
  source: Source;
  width: number;
  height: number;
  pinned?: boolean;
}

export interface MediaView {
  tiles: Tile[];
}

export interface MediaState {
  microphone?: boolean;
  camera?: boolean;
  screen?: boolean;
}

export interface Thread {
  meeting?: MeetingID;
  person?: PersonID;
}

export interface ChatSend {
  thread: Thread;
  key: string;
  text: string;
}

export type MessageID = string;

export interface ChatMessage {
  id: MessageID;
  order: number;
  thread: Thread;
  from: PersonID;
  key: string;
  text: string;
  at: Millis;
}

export interface ChatSent {
  message: ChatMessage;
}

export interface ChatHistory {
  thread: Thread;
  before?: number;
  after?: number;
  limit: number;
}

export interface ChatPage {
  messages: ChatMessage[];
  more: boolean;
  read: number;
  peer_read?: number;
}

export interface ChatRead {
  thread: Thread;
  order: number;
}

export type ChatThreads = Record<string, never>;

export interface ChatThread {
  thread: Thread;
  last: ChatMessage;
  unread: number;
}

export interface ChatThreadsListed {
  threads: ChatThread[];
}

export interface SignedOut {
  reason: string;
}

export interface PersonChanged {
  person: Person;
}

export interface UnitChanged {
  unit: Unit;
}

export interface MeetingChanged {
  meeting: Meeting;
}

export interface SeatChanged {
  seat: Seat;
}

export type LeftReason = "left" | "removed" | "lost";

export interface SeatLeft {
  person: PersonID;
  reason: LeftReason;
}

export interface LobbyChanged {
  waiting: Waiting[];
  barred: PersonID[];
}

export interface MeetingAdmitted {
  state: MeetingState;
}

export type CloseReason = "ended" | "removed" | "refused" | "taken_over" | "full";

export interface MeetingClosed {
  meeting: MeetingID;
  reason: CloseReason;
  by?: PersonID;
}

export interface MeetingMuted {
  source: Source;
  by: PersonID;
}

export interface MeetingAsked {
  by: PersonID;
  floor: boolean;
}

export interface SpeakerChanged {
  person: PersonID;
}

export interface SpotlightChanged {
  person: PersonID;
}

export interface Slot {
  mid: string;
  person: PersonID;
  source: Source;
  paused?: boolean;
  reason?: string;
}

export interface MediaSlots {
  slots: Slot[];
}

export interface MediaWanted {
  source: Source;
  rids: Record<string, boolean>;
}

export interface MediaGone {
  reason: string;
}

export interface ChatReceived {
  message: ChatMessage;
}

export interface ChatReadChanged {
  thread: Thread;
  person: PersonID;
  order: number;
}

export interface Requests {
  "hello": { body: Hello; reply: Welcome };
  "ping": { body: Ping; reply: Pong };
  "people.list": { body: PeopleList; reply: PeopleListed };
  "people.save": { body: PersonSave; reply: PersonSaved };
  "people.reset": { body: PersonReset; reply: PersonSaved };
  "people.sign_out": { body: PersonSignOut; reply: None };
  "units.save": { body: UnitSave; reply: UnitSaved };
  "meeting.list": { body: MeetingList; reply: MeetingsListed };
  "meeting.look": { body: MeetingRef; reply: MeetingLooked };
  "meeting.save": { body: MeetingSave; reply: MeetingSaved };
  "meeting.cancel": { body: MeetingRef; reply: None };
  "meeting.join": { body: MeetingJoin; reply: MeetingJoined };
  "meeting.leave": { body: None; reply: None };
  "meeting.end": { body: None; reply: None };
  "meeting.admit": { body: MeetingPerson; reply: None };
  "meeting.admit_all": { body: None; reply: None };
  "meeting.refuse": { body: MeetingPerson; reply: None };
  "meeting.remove": { body: MeetingPerson; reply: None };
  "meeting.role": { body: MeetingRole; reply: None };
  "meeting.hand_over": { body: MeetingPerson; reply: None };
  "meeting.hand": { body: MeetingHand; reply: None };
  "meeting.lower_hand": { body: MeetingPerson; reply: None };
  "meeting.floor": { body: MeetingPerson; reply: None };
  "meeting.settings": { body: MeetingSettings; reply: None };
  "meeting.mute": { body: MeetingMute; reply: None };
  "meeting.ask_unmute": { body: MeetingPerson; reply: None };
  "meeting.spotlight": { body: MeetingPerson; reply: None };
  "media.offer": { body: MediaOffer; reply: MediaAnswer };
  "media.view": { body: MediaView; reply: None };
  "media.state": { body: MediaState; reply: None };
  "chat.send": { body: ChatSend; reply: ChatSent };
  "chat.history": { body: ChatHistory; reply: ChatPage };
  "chat.read": { body: ChatRead; reply: None };
  "chat.threads": { body: ChatThreads; reply: ChatThreadsListed };
}

export interface Events {
  "session.signed_out": SignedOut;
  "people.changed": PersonChanged;
  "units.changed": UnitChanged;
  "meeting.changed": MeetingChanged;
  "meeting.seat": SeatChanged;
  "meeting.left": SeatLeft;
  "meeting.lobby": LobbyChanged;
  "meeting.admitted": MeetingAdmitted;
  "meeting.closed": MeetingClosed;
  "meeting.settings": MeetingSettings;
  "meeting.muted": MeetingMuted;
  "meeting.asked": MeetingAsked;
  "meeting.speaker": SpeakerChanged;
  "meeting.spotlight": SpotlightChanged;
  "media.slots": MediaSlots;
  "media.wanted": MediaWanted;
  "media.gone": MediaGone;
  "chat.message": ChatReceived;
  "chat.read": ChatReadChanged;
}
