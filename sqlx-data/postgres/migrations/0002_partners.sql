-- Which of its source's secrets a message was verified with.

ALTER TABLE message ADD COLUMN secret_id BIGINT;
