package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"tarasul/signaling/protocol"
)

// ErrNotDemo is returned by SeedDemo for a database of real people: accounts whose
// passwords are printed must never come among them.
var ErrNotDemo = errors.New("identity: the database holds people who are not of the demonstration")

// HoldsDemo says whether the people of the demonstration are in the database. A server
// that is not one must then refuse to start: everybody knows their passwords.
func (d *Directory) HoldsDemo(ctx context.Context) (bool, error) {
	return holdsDemo(ctx, d.db.Read())
}

func holdsDemo(ctx context.Context, q querier) (holds bool, err error) {
	if err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM people WHERE id GLOB 'demo-*')`).Scan(&holds); err != nil {
		return false, fmt.Errorf("identity: demonstration: %w", err)
	}
	return holds, nil
}

// SeedDemo makes the ministry of the demonstration where it is not there yet, and gives
// its accounts. What has been changed since is left as it is. ErrNotDemo if there are
// other people and none of the demonstration.
func (d *Directory) SeedDemo(ctx context.Context) ([]protocol.DemoAccount, error) {
	units := map[protocol.UnitID]protocol.Unit{}
	for _, u := range demoUnits {
		units[u.ID] = u
	}
	var accounts []protocol.DemoAccount
	for _, a := range demoPeople {
		accounts = append(accounts, protocol.DemoAccount{Login: a.Login, Password: a.password, Name: a.Name, Title: a.Title,
			Unit: units[a.Unit].Name, Role: a.Role})
	}
	present := map[protocol.PersonID]bool{}
	people, err := d.People(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		present[p.ID] = true
	}
	hashes := make([]string, len(demoPeople))
	errs := make([]error, len(demoPeople))
	var wg sync.WaitGroup
	for i, a := range demoPeople {
		if !present[a.ID] {
			wg.Go(func() { hashes[i], errs[i] = d.hasher.make(ctx, a.password) })
		}
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		holds, err := holdsDemo(ctx, tx)
		if err != nil {
			return err
		}
		if len(people) > 0 && !holds {
			return ErrNotDemo
		}
		for _, u := range demoUnits {
			var there bool
			if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM units WHERE id = ?)`, string(u.ID)).Scan(&there); err != nil {
				return fmt.Errorf("identity: demonstration: %w", err)
			}
			if !there {
				if err := insertUnit(ctx, tx, u); err != nil {
					return err
				}
			}
		}
		for i, a := range demoPeople {
			if hashes[i] == "" {
				continue
			}
			if err := d.createPerson(ctx, tx, Actor{Address: "demo"}, a.Person, hashes[i], false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return accounts, nil
}

type demoPerson struct {
	protocol.Person
	password string
}

func names(ar, en, fr string) protocol.Multilingual {
	return protocol.Multilingual{Ar: ar, En: en, Fr: fr}
}

var demoUnits = []protocol.Unit{
	{ID: "demo-headquarters", Kind: protocol.UnitHeadquarters,
		Name: names("ديوان الوزارة", "Headquarters", "Administration centrale")},
	{ID: "demo-political", Kind: protocol.UnitDepartment, Parent: "demo-headquarters",
		Name: names("إدارة الشؤون السياسية", "Political Affairs", "Affaires politiques")},
	{ID: "demo-consular", Kind: protocol.UnitDepartment, Parent: "demo-headquarters",
		Name: names("إدارة الشؤون القنصلية", "Consular Affairs", "Affaires consulaires")},
	{ID: "demo-systems", Kind: protocol.UnitDepartment, Parent: "demo-headquarters",
		Name: names("إدارة نظم المعلومات", "Information Systems", "Systèmes d’information")},
	{ID: "demo-geneva", Kind: protocol.UnitMission, Parent: "demo-headquarters",
		Name: names("البعثة الدائمة في جنيف", "Permanent Mission, Geneva", "Mission permanente, Genève")},
	{ID: "demo-paris", Kind: protocol.UnitMission, Parent: "demo-headquarters",
		Name: names("السفارة في باريس", "Embassy, Paris", "Ambassade, Paris")},
	{ID: "demo-nairobi", Kind: protocol.UnitMission, Parent: "demo-headquarters",
		Name: names("السفارة في نيروبي", "Embassy, Nairobi", "Ambassade, Nairobi")},
	{ID: "demo-jakarta", Kind: protocol.UnitMission, Parent: "demo-headquarters",
		Name: names("السفارة في جاكرتا", "Embassy, Jakarta", "Ambassade, Jakarta")},
}

var demoPeople = []demoPerson{
	{protocol.Person{ID: "demo-minister", Login: "minister", Unit: "demo-headquarters", Role: protocol.RoleLeader,
		Name:  names("د. سليم الراوي", "Dr Salim al-Rawi", "Dr Salim al-Rawi"),
		Title: names("وزير الخارجية", "Minister of Foreign Affairs", "Ministre des Affaires étrangères")},
		"palm-lantern-2604"},
	{protocol.Person{ID: "demo-deputy", Login: "deputy", Unit: "demo-headquarters", Role: protocol.RoleLeader,
		Name:  names("هدى المنصور", "Huda al-Mansour", "Houda al-Mansour"),
		Title: names("نائبة الوزير", "Deputy Minister", "Vice-ministre")},
		"cedar-harbour-3718"},
	{protocol.Person{ID: "demo-political", Login: "political", Unit: "demo-political", Role: protocol.RoleOfficer,
		Name:  names("كريم حداد", "Karim Haddad", "Karim Haddad"),
		Title: names("مدير الشؤون السياسية", "Director of Political Affairs", "Directeur des affaires politiques")},
		"amber-compass-4829"},
	{protocol.Person{ID: "demo-consular", Login: "consular", Unit: "demo-consular", Role: protocol.RoleOfficer,
		Name:  names("ليلى الأميري", "Layla al-Amiri", "Leïla al-Amiri"),
		Title: names("مديرة الشؤون القنصلية", "Director of Consular Affairs", "Directrice des affaires consulaires")},
		"olive-window-5931"},
	{protocol.Person{ID: "demo-geneva", Login: "geneva", Unit: "demo-geneva", Role: protocol.RoleLeader,
		Name:  names("نبيل القاسم", "Nabil al-Qasim", "Nabil al-Qassem"),
		Title: names("المندوب الدائم", "Permanent Representative", "Représentant permanent")},
		"silver-bridge-6042"},
	{protocol.Person{ID: "demo-paris", Login: "paris", Unit: "demo-paris", Role: protocol.RoleLeader,
		Name:  names("سميرة الخليلي", "Samira al-Khalili", "Samira al-Khalili"),
		Title: names("سفيرة", "Ambassador", "Ambassadrice")},
		"garden-violin-7153"},
	{protocol.Person{ID: "demo-nairobi", Login: "nairobi", Unit: "demo-nairobi", Role: protocol.RoleLeader,
		Name:  names("يوسف التميمي", "Yusuf al-Tamimi", "Youssef al-Tamimi"),
		Title: names("سفير", "Ambassador", "Ambassadeur")},
		"acacia-letter-8264"},
	{protocol.Person{ID: "demo-jakarta", Login: "jakarta", Unit: "demo-jakarta", Role: protocol.RoleOfficer,
		Name:  names("مريم النوري", "Maryam al-Nouri", "Mariam al-Nouri"),
		Title: names("سكرتيرة أولى", "First Secretary", "Première secrétaire")},
		"monsoon-paper-9375"},
	{protocol.Person{ID: "demo-operator", Login: "operator", Unit: "demo-systems", Role: protocol.RoleOperator,
		Name:  names("طارق صالح", "Tariq Saleh", "Tarek Saleh"),
		Title: names("رئيس غرفة العمليات", "Head of the Operations Room", "Chef de la salle des opérations")},
		"beacon-copper-1486"},
	{protocol.Person{ID: "demo-admin", Login: "admin", Unit: "demo-systems", Role: protocol.RoleAdministrator,
		Name:  names("رانيا درويش", "Rania Darwish", "Rania Darwich"),
		Title: names("مديرة النظام", "System Administrator", "Administratrice du système")},
		"granite-orchid-2597"},
}
