package protocol

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// enums gives the members of the string types that are closed sets.
func enums() map[reflect.Type][]string {
	list := func(values ...any) []string { return quoted(values) }
	return map[reflect.Type][]string{
		reflect.TypeFor[Code]():          quoted(Codes()),
		reflect.TypeFor[Role]():          list(RoleLeader, RoleOfficer, RoleOperator, RoleArchivist, RoleAuditor, RoleAdministrator),
		reflect.TypeFor[UnitKind]():      list(UnitHeadquarters, UnitDepartment, UnitMission),
		reflect.TypeFor[MeetingStatus](): list(MeetingScheduled, MeetingOpen, MeetingEnded, MeetingCancelled),
		reflect.TypeFor[SeatRole]():      list(SeatChair, SeatCochair, SeatParticipant),
		reflect.TypeFor[SharePolicy]():   list(ShareEveryone, ShareChairs),
		reflect.TypeFor[JoinOutcome]():   list(JoinSeated, JoinWaiting),
		reflect.TypeFor[LeftReason]():    list(LeftByThemselves, LeftRemoved, LeftLost),
		reflect.TypeFor[CloseReason]():   list(ClosedEnded, ClosedRemoved, ClosedRefused, ClosedTakenOver, ClosedFull),
		reflect.TypeFor[Source]():        list(SourceMicrophone, SourceCamera, SourceScreen, SourceScreenAudio),
	}
}

func quoted[T any](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprintf("%q", any(v))
	}
	return out
}

// WriteTypeScript writes every message as a TypeScript type, and two maps, Requests and
// Events, from a message's type to its shapes.
func WriteTypeScript(w *bytes.Buffer) {
	g := &generator{w: w, enums: enums(), done: map[reflect.Type]bool{}}
	fmt.Fprintf(w, "// Generated from signaling/protocol by go generate. Do not edit.\n\n")
	fmt.Fprintf(w, "export const VERSION = %d;\nexport const SUBPROTOCOL = %q;\nexport const MAX_CHAT_RUNES = %d;\nexport const MAX_PARTICIPANTS = %d;\n\n",
		Version, Subprotocol, MaxChatRunes, MaxParticipants)
	for _, c := range []struct {
		name string
		code CloseCode
	}{
		{"UNAUTHENTICATED", CloseUnauthenticated}, {"SLOW", CloseSlow}, {"REPLACED", CloseReplaced}, {"VERSION", CloseVersion},
	} {
		fmt.Fprintf(w, "export const CLOSE_%s = %d;\n", c.name, c.code)
	}
	fmt.Fprintf(w, "\n")
	for _, t := range []any{Refusal{}, SignIn{}, SessionInfo{}, PasswordChange{}, Enrol{}} {
		g.declare(reflect.TypeOf(t))
	}
	for _, r := range Requests() {
		g.declare(reflect.TypeOf(r.Body))
		g.declare(reflect.TypeOf(r.Reply))
	}
	for _, e := range Events() {
		g.declare(reflect.TypeOf(e.Body))
	}
	fmt.Fprintf(w, "export interface Requests {\n")
	for _, r := range Requests() {
		fmt.Fprintf(w, "  %q: { body: %s; reply: %s };\n", r.Type, reflect.TypeOf(r.Body).Name(), reflect.TypeOf(r.Reply).Name())
	}
	fmt.Fprintf(w, "}\n\nexport interface Events {\n")
	for _, e := range Events() {
		fmt.Fprintf(w, "  %q: %s;\n", e.Type, reflect.TypeOf(e.Body).Name())
	}
	fmt.Fprintf(w, "}\n")
}

type generator struct {
	w     *bytes.Buffer
	enums map[reflect.Type][]string
	done  map[reflect.Type]bool
}

// declare writes t after all that it refers to.
func (g *generator) declare(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if g.done[t] || t.PkgPath() == "" {
		return
	}
	g.done[t] = true
	switch {
	case g.enums[t] != nil:
		fmt.Fprintf(g.w, "export type %s = %s;\n\n", t.Name(), strings.Join(g.enums[t], " | "))
	case t.Kind() == reflect.String:
		fmt.Fprintf(g.w, "export type %s = string;\n\n", t.Name())
	case t.Kind() == reflect.Int64:
		fmt.Fprintf(g.w, "export type %s = number;\n\n", t.Name())
	case t.Kind() == reflect.Struct && t.NumField() == 0:
		fmt.Fprintf(g.w, "export type %s = Record<string, never>;\n\n", t.Name())
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			g.declare(t.Field(i).Type)
		}
		fmt.Fprintf(g.w, "export interface %s {\n", t.Name())
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			mark := ""
			if strings.Contains(options, "omitempty") {
				mark = "?"
			}
			fmt.Fprintf(g.w, "  %s%s: %s;\n", name, mark, g.name(t.Field(i).Type))
		}
		fmt.Fprintf(g.w, "}\n\n")
	}
}

func (g *generator) name(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return g.name(t.Elem())
	case reflect.Slice:
		return g.name(t.Elem()) + "[]"
	case reflect.Map:
		return fmt.Sprintf("Record<%s, %s>", g.name(t.Key()), g.name(t.Elem()))
	}
	if t.PkgPath() != "" {
		return t.Name()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	}
	return "number"
}
