// Applies an Atlas directory by Atlas' own library: its reader of files, its splitter, its executor and its table of revisions.
// What the command line adds, one transaction a file unless the file says otherwise, is written here again.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	_ "github.com/lib/pq"
)

const table = `create schema if not exists atlas_schema_revisions;
create table if not exists atlas_schema_revisions.atlas_schema_revisions (
  version varchar primary key, description varchar not null, type bigint not null default 2, applied bigint not null default 0,
  total bigint not null default 0, executed_at timestamptz not null, execution_time bigint not null, error text, error_stmt text,
  hash varchar not null, partial_hashes jsonb, operator_version varchar not null)`

// revisions keeps the rows in the table that the command line keeps them in.
type revisions struct{ db conn }

type conn interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

func (r *revisions) Ident() *migrate.TableIdent {
	return &migrate.TableIdent{Name: "atlas_schema_revisions", Schema: "atlas_schema_revisions"}
}

const columns = `version, description, type, applied, total, executed_at, execution_time, coalesce(error, ''), coalesce(error_stmt, ''), hash, operator_version`

func scan(row interface{ Scan(...any) error }) (*migrate.Revision, error) {
	r := &migrate.Revision{}
	err := row.Scan(&r.Version, &r.Description, &r.Type, &r.Applied, &r.Total, &r.ExecutedAt, &r.ExecutionTime, &r.Error, &r.ErrorStmt, &r.Hash, &r.OperatorVersion)
	return r, err
}

func (r *revisions) ReadRevisions(ctx context.Context) ([]*migrate.Revision, error) {
	rows, err := r.db.QueryContext(ctx, "select "+columns+" from atlas_schema_revisions.atlas_schema_revisions order by version")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []*migrate.Revision
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

func (r *revisions) ReadRevision(ctx context.Context, version string) (*migrate.Revision, error) {
	found, err := scan(r.db.QueryRowContext(ctx, "select "+columns+" from atlas_schema_revisions.atlas_schema_revisions where version = $1", version))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, migrate.ErrRevisionNotExist
	}
	return found, err
}

func (r *revisions) WriteRevision(ctx context.Context, one *migrate.Revision) error {
	_, err := r.db.ExecContext(ctx, `insert into atlas_schema_revisions.atlas_schema_revisions
  (version, description, type, applied, total, executed_at, execution_time, error, error_stmt, hash, operator_version)
  values ($1, $2, $3, $4, $5, $6, $7, nullif($8, ''), nullif($9, ''), $10, 'test')
  on conflict (version) do update set applied = excluded.applied, total = excluded.total, execution_time = excluded.execution_time,
    error = excluded.error, error_stmt = excluded.error_stmt`,
		one.Version, one.Description, one.Type, one.Applied, one.Total, one.ExecutedAt, one.ExecutionTime, one.Error, one.ErrorStmt, one.Hash)
	return err
}

func (r *revisions) DeleteRevision(ctx context.Context, version string) error {
	_, err := r.db.ExecContext(ctx, "delete from atlas_schema_revisions.atlas_schema_revisions where version = $1", version)
	return err
}

func run(directory, url string) error {
	ctx := context.Background()
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, table); err != nil {
		return err
	}
	dir, err := migrate.NewLocalDir(directory)
	if err != nil {
		return err
	}
	if err := migrate.Validate(dir); err != nil {
		return err
	}
	kept := &revisions{db}
	outer, err := postgres.Open(db)
	if err != nil {
		return err
	}
	planner, err := migrate.NewExecutor(outer, dir, kept)
	if err != nil {
		return err
	}
	pending, err := planner.Pending(ctx)
	if errors.Is(err, migrate.ErrNoPendingFiles) {
		return nil
	} else if err != nil {
		return err
	}
	for _, file := range pending {
		bare := false
		if local, ok := file.(*migrate.LocalFile); ok {
			for _, mode := range local.Directive("txmode") {
				bare = bare || mode == "none"
			}
		}
		if err := apply(ctx, db, dir, kept, file, bare); err != nil {
			return err
		}
	}
	return nil
}

func apply(ctx context.Context, db *sql.DB, dir migrate.Dir, kept *revisions, file migrate.File, bare bool) error {
	if bare {
		drv, err := postgres.Open(db)
		if err != nil {
			return err
		}
		ex, err := migrate.NewExecutor(drv, dir, kept)
		if err != nil {
			return err
		}
		return ex.Execute(ctx, file)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	drv, err := postgres.Open(tx)
	if err != nil {
		return err
	}
	// the row shares the transaction, as it does under the command line
	ex, err := migrate.NewExecutor(drv, dir, &revisions{tx})
	if err != nil {
		return err
	}
	if err := ex.Execute(ctx, file); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func seal(directory string) error {
	dir, err := migrate.NewLocalDir(directory)
	if err != nil {
		return err
	}
	sum, err := dir.Checksum()
	if err != nil {
		return err
	}
	return migrate.WriteSumFile(dir, sum)
}

func main() {
	var err error
	if len(os.Args) == 3 {
		err = run(os.Args[1], os.Args[2])
	} else {
		err = seal(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
