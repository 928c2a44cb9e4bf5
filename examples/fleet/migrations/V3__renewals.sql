-- When the service is asked next whether the login is to be renewed. Those without a refresh token are left as they are.
ALTER TABLE bili_fleet.accounts ADD COLUMN login_due timestamptz NOT NULL DEFAULT 'epoch';
