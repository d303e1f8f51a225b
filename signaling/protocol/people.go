package protocol

// Role says what a person may do in the system (not in one meeting).
type Role string

// Roles. Every person has exactly one.
const (
	RoleLeader        Role = "leader"
	RoleOfficer       Role = "officer"
	RoleOperator      Role = "operator"
	RoleArchivist     Role = "archivist"
	RoleAuditor       Role = "auditor"
	RoleAdministrator Role = "administrator"
)

// UnitKind tells a part of headquarters from a post abroad.
type UnitKind string

const (
	UnitHeadquarters UnitKind = "headquarters"
	UnitDepartment   UnitKind = "department"
	UnitMission      UnitKind = "mission"
)

// Unit is headquarters itself, one of its departments, or a mission.
type Unit struct {
	ID     UnitID       `json:"id"`
	Kind   UnitKind     `json:"kind"`
	Name   Multilingual `json:"name"`
	Parent UnitID       `json:"parent,omitempty"`
}

// Person as others see them.
type Person struct {
	ID       PersonID     `json:"id"`
	Login    string       `json:"login"`
	Name     Multilingual `json:"name"`
	Title    Multilingual `json:"title"` // minister, ambassador, first secretary; may be empty
	Unit     UnitID       `json:"unit"`
	Role     Role         `json:"role"`
	Disabled bool         `json:"disabled,omitempty"`
	Online   bool         `json:"online,omitempty"`
}

// PeopleList asks for everyone whom the caller may see.
type PeopleList struct{}

// PeopleListed answers PeopleList, PeopleCreate excepted.
type PeopleListed struct {
	People []Person `json:"people"`
	Units  []Unit   `json:"units"`
}

// PersonSave creates (ID empty) or changes a person; administrators only. An empty
// Password on creation lets the server choose one.
type PersonSave struct {
	ID           PersonID     `json:"id,omitempty"`
	Login        string       `json:"login"`
	Name         Multilingual `json:"name"`
	Title        Multilingual `json:"title"`
	Unit         UnitID       `json:"unit"`
	Role         Role         `json:"role"`
	Disabled     bool         `json:"disabled"`
	Password     string       `json:"password,omitempty"`
	KeepPassword bool         `json:"keep_password,omitempty"` // the first sign-in need not change it
}

// PersonSaved answers PersonSave and PersonReset. Password is there once, when the
// server has chosen it.
type PersonSaved struct {
	Person   Person `json:"person"`
	Password string `json:"password,omitempty"`
}

// PersonReset gives a person a new first password and signs them out everywhere.
type PersonReset struct {
	ID PersonID `json:"id"`
}

// PersonSignOut ends all sign-ins of a person; administrators only.
type PersonSignOut struct {
	ID PersonID `json:"id"`
}

// UnitSave creates (ID empty) or changes a unit; administrators only.
type UnitSave struct {
	ID     UnitID       `json:"id,omitempty"`
	Kind   UnitKind     `json:"kind"`
	Name   Multilingual `json:"name"`
	Parent UnitID       `json:"parent,omitempty"`
}

// UnitSaved answers UnitSave.
type UnitSaved struct {
	Unit Unit `json:"unit"`
}

// PersonChanged tells every session that a person's card has changed.
type PersonChanged struct {
	Person Person `json:"person"`
}

// UnitChanged tells every session that a unit has changed.
type UnitChanged struct {
	Unit Unit `json:"unit"`
}
