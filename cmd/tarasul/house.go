package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tarasul/configs"
	"tarasul/signaling"
	"tarasul/signaling/audit"
	"tarasul/signaling/chat"
	"tarasul/signaling/identity"
	"tarasul/signaling/meeting"
	"tarasul/signaling/store"
)

// house is the database and the slices that live in it.
type house struct {
	db        *store.DB
	directory *identity.Directory
	cards     *meeting.Cards
	threads   *chat.Threads
}

// openHouse opens the data directory of a configuration. errInUse says that a server has
// it.
func openHouse(ctx context.Context, cfg configs.Config) (*house, error) {
	db, err := store.Open(ctx, cfg.Data, audit.Schema(), identity.Schema(), meeting.Schema(), chat.Schema())
	if err != nil {
		return nil, err
	}
	h := &house{db: db}
	err = func() error {
		log := audit.New(db, time.Now)
		journal := func(ctx context.Context, tx *sql.Tx, a identity.Act) error {
			return log.Append(ctx, tx, audit.Entry(a))
		}
		if h.directory, err = identity.New(cfg.Identity, db, journal, time.Now); err != nil {
			return err
		}
		if h.cards, err = meeting.NewCards(cfg.Meeting, db, h.directory, log, time.Now); err != nil {
			return err
		}
		h.threads = chat.New(db, signaling.ChatAccess(h.directory, h.cards), time.Now)
		return nil
	}()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", cfg.Data, err), db.Close())
	}
	return h, nil
}
