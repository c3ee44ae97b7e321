-- the tables of runs in the store that MLflow 3.17.2 wrote
CREATE TABLE "experiments" (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), 
	creation_time BIGINT, 
	last_update_time BIGINT, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT uq_experiments_workspace_name UNIQUE (workspace, name)
);
INSERT INTO "experiments" VALUES(0,'Default','mlruns/0','active',1796097026335,1796097026335,'default');
INSERT INTO "experiments" VALUES(1,'train','artifacts','active',1796097026397,1796097026397,'default');
CREATE TABLE "latest_metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT, 
	step BIGINT NOT NULL, 
	is_nan BOOLEAN NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT latest_metric_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "latest_metrics" VALUES('val/acc',0.25,1796000000003,3,0,'38bd888e0be14aa4ab699dc2b581559c');
INSERT INTO "latest_metrics" VALUES('loss',0.0,1796000000001,1,1,'38bd888e0be14aa4ab699dc2b581559c');
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "params" VALUES('lr','0.1','38bd888e0be14aa4ab699dc2b581559c');
INSERT INTO "params" VALUES('opt/name','adam','38bd888e0be14aa4ab699dc2b581559c');
INSERT INTO "params" VALUES('lr','0.3','b2418f5e1afb46b8884f08187a341c38');
CREATE TABLE "runs" (
	run_uuid VARCHAR(32) NOT NULL, 
	name VARCHAR(250), 
	source_type VARCHAR(20), 
	source_name VARCHAR(500), 
	entry_point_name VARCHAR(50), 
	user_id VARCHAR(256), 
	status VARCHAR(9), 
	start_time BIGINT, 
	end_time BIGINT, 
	source_version VARCHAR(50), 
	lifecycle_stage VARCHAR(20), 
	artifact_uri VARCHAR(200), 
	experiment_id INTEGER, deleted_time BIGINT, 
	CONSTRAINT run_pk PRIMARY KEY (run_uuid), 
	CONSTRAINT source_type CHECK (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT')), 
	CONSTRAINT runs_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CHECK (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))
);
INSERT INTO "runs" VALUES('38bd888e0be14aa4ab699dc2b581559c','brave-fox','UNKNOWN','','','unknown','FINISHED',1796000000000,1796000009000,'','active','artifacts/38bd888e0be14aa4ab699dc2b581559c/artifacts',1,NULL);
INSERT INTO "runs" VALUES('b2418f5e1afb46b8884f08187a341c38','calm-owl','UNKNOWN','','','unknown','FAILED',1796000010000,1796000011000,'','active','artifacts/b2418f5e1afb46b8884f08187a341c38/artifacts',1,NULL);
INSERT INTO "runs" VALUES('c908114124ab47138211361fc0da83a0','deleted-elk','UNKNOWN','','','unknown','RUNNING',1796000020000,NULL,'','deleted','artifacts/c908114124ab47138211361fc0da83a0/artifacts',1,1796097027767);
INSERT INTO "runs" VALUES('6e7a43be54b947cd942bb1687c1d7f06','train-lr=0.1-s1','UNKNOWN','','','unknown','FINISHED',1796000030000,1796000031000,'','active','artifacts/6e7a43be54b947cd942bb1687c1d7f06/artifacts',1,NULL);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "tags" VALUES('mlflow.runName','brave-fox','38bd888e0be14aa4ab699dc2b581559c');
INSERT INTO "tags" VALUES('mlflow.runName','calm-owl','b2418f5e1afb46b8884f08187a341c38');
INSERT INTO "tags" VALUES('mlflow.runName','deleted-elk','c908114124ab47138211361fc0da83a0');
INSERT INTO "tags" VALUES('mlflow.runName','train-lr=0.1-s1','6e7a43be54b947cd942bb1687c1d7f06');
INSERT INTO "tags" VALUES('scaffold.uuid','u1','6e7a43be54b947cd942bb1687c1d7f06');
