# The commands of this repository; each is one script under infra/. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up down logs test check fmt gen bench chaos fuzz

help: ## list these commands
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

up: ## install what is missing, build, start everything, seed a demo, make a first call
	@infra/stack up

down: ## stop everything `make up` started; data stays in var/
	@infra/stack down

logs: ## follow the logs of everything (one program: infra/stack logs gateway)
	@infra/stack logs

test: ## every test: Rust, then SDKs, browser and faults against a stack of their own
	@infra/test

check: ## format, lints, licences, generated files, forbidden words
	@infra/check

fmt: ## format the code
	@cargo fmt --all

gen: ## write what is generated again: .sqlx, the OpenAPI document
	@infra/gen

bench: ## CPU, latency and memory of the gateway against nginx; how fast usage is booked
	@infra/bench

fuzz: ## a million inputs for whatever reads bytes from outside (one: infra/fuzz stream_gemini)
	@infra/fuzz

chaos: ## limits and faults in their long form: failing providers, four gateways, every kind of Redis, the ledger
	@infra/test chaos
