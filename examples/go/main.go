// Command hand-in hands a file in to Docket, waits for its end, and prints its text.
//
//	eval "$(docket env)"          # or your own settings, see docs/configuration.md
//	go run . scan.pdf [project]
//
// Only the published contract is used (docs/contract.md): an upload, a workflow, the table pages.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/temporal"
)

type location struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

type input struct {
	Document location `json:"document"`
	Project  string   `json:"project"`
	SHA256   string   `json:"sha256"`
	FileName string   `json:"fileName"`
}

type result struct {
	DocumentID string  `json:"documentId"`
	Pages      int     `json:"pages"`
	CostUSD    float64 `json:"costUsd"`
	Reused     bool    `json:"reused"`
}

type failure struct {
	Remedy string `json:"remedy"`
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "Usage: go run . FILE [PROJECT]")
		os.Exit(1)
	}
	project := "default"
	if len(os.Args) > 2 {
		project = os.Args[2]
	}
	if err := run(context.Background(), os.Args[1], project); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(ctx context.Context, path, project string) error {
	document, sum, err := upload(ctx, path)
	if err != nil {
		return err
	}
	// Address, namespace, API key, TLS: as Temporal's own tools read them. A file only where one is named, as Docket does.
	named := os.Getenv("TEMPORAL_PROFILE") + os.Getenv("TEMPORAL_CONFIG_FILE")
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{DisableFile: named == ""})
	if err != nil {
		return err
	}
	c, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer c.Close()
	started, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		// The same content again joins the run that is open, and is not read twice in any case.
		ID:                       "go-example/" + project + "/" + sum,
		TaskQueue:                "documents",
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, "processDocument", input{document, project, sum, filepath.Base(path)})
	if err != nil {
		return err
	}
	var done result
	if err := started.Get(ctx, &done); err != nil {
		var cause *temporal.ApplicationError
		if !errors.As(err, &cause) {
			return err
		}
		var detail failure
		_ = cause.Details(&detail)
		return fmt.Errorf("%s: %s\nremedy: %s", cause.Type(), cause.Message(), detail.Remedy)
	}
	fmt.Fprintf(os.Stderr, "%d pages, $%.4f, reused: %t\n", done.Pages, done.CostUSD, done.Reused)
	return printText(ctx, done.DocumentID)
}

func upload(ctx context.Context, path string) (location, string, error) {
	file, err := os.Open(path)
	if err != nil {
		return location{}, "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return location{}, "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return location{}, "", err
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	at := location{os.Getenv("DOCKET_BUCKET"), "go-example/" + sum + "/" + filepath.Base(path)}
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return location{}, "", err
	}
	// A server other than AWS' has its buckets in the path.
	storage := s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = os.Getenv("AWS_ENDPOINT_URL_S3") != "" })
	_, err = storage.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(at.Bucket), Key: aws.String(at.Key), Body: file})
	return at, sum, err
}

func printText(ctx context.Context, documentID string) error {
	database, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer database.Close(ctx)
	rows, err := database.Query(ctx, `
		SELECT coalesce(c.text, p.text) FROM pages p LEFT JOIN page_corrections c USING (document_id, number)
		WHERE document_id = $1 ORDER BY number`, documentID)
	if err != nil {
		return err
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for i, text := range texts {
		if i > 0 {
			fmt.Print("\f")
		}
		fmt.Println(text)
	}
	return err
}
