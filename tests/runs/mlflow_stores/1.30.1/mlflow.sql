-- the tables of runs in the store that MLflow 1.30.1 wrote
CREATE TABLE experiments (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	UNIQUE (name)
);
INSERT INTO "experiments" VALUES(0,'Default','./mlruns/0','active',1796097454366,1796097454366);
INSERT INTO "experiments" VALUES(1,'train','artifacts','active',1796097454400,1796097454400);
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
INSERT INTO "latest_metrics" VALUES('val/acc',0.25,1796000000003,3,0,'6908dd04a5874970ae9473f8f5763d2e');
INSERT INTO "latest_metrics" VALUES('loss',0.0,1796000000001,1,1,'6908dd04a5874970ae9473f8f5763d2e');
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(500) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "params" VALUES('lr','0.1','6908dd04a5874970ae9473f8f5763d2e');
INSERT INTO "params" VALUES('opt/name','adam','6908dd04a5874970ae9473f8f5763d2e');
INSERT INTO "params" VALUES('lr','0.3','2f7b838dd7d04ada8cadeb107b1ca178');
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
INSERT INTO "runs" VALUES('6908dd04a5874970ae9473f8f5763d2e','brave-fox','UNKNOWN','','','unknown','FINISHED',1796000000000,1796000009000,'','active','artifacts/6908dd04a5874970ae9473f8f5763d2e/artifacts',1,NULL);
INSERT INTO "runs" VALUES('2f7b838dd7d04ada8cadeb107b1ca178','calm-owl','UNKNOWN','','','unknown','FAILED',1796000010000,1796000011000,'','active','artifacts/2f7b838dd7d04ada8cadeb107b1ca178/artifacts',1,NULL);
INSERT INTO "runs" VALUES('260cc34bafcd4f959809289c9706f271','deleted-elk','UNKNOWN','','','unknown','RUNNING',1796000020000,NULL,'','deleted','artifacts/260cc34bafcd4f959809289c9706f271/artifacts',1,1796097455251);
INSERT INTO "runs" VALUES('7ca113ef5ce54c7f99fedd33255f7dc3','train-lr=0.1-s1','UNKNOWN','','','unknown','FINISHED',1796000030000,1796000031000,'','active','artifacts/7ca113ef5ce54c7f99fedd33255f7dc3/artifacts',1,NULL);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "tags" VALUES('mlflow.runName','brave-fox','6908dd04a5874970ae9473f8f5763d2e');
INSERT INTO "tags" VALUES('mlflow.runName','calm-owl','2f7b838dd7d04ada8cadeb107b1ca178');
INSERT INTO "tags" VALUES('mlflow.runName','deleted-elk','260cc34bafcd4f959809289c9706f271');
INSERT INTO "tags" VALUES('mlflow.runName','train-lr=0.1-s1','7ca113ef5ce54c7f99fedd33255f7dc3');
INSERT INTO "tags" VALUES('scaffold.uuid','u1','7ca113ef5ce54c7f99fedd33255f7dc3');
