-- The same users, for a database whose encoding has no Cyrillic.
INSERT INTO pgchaos.users (id, name) VALUES
    (1, 'Ivan Petrov'),
    (2, 'Maria Sidorova'),
    (3, 'Alexey Kozlov'),
    (4, 'Olga Smirnova'),
    (5, 'Dmitry Volkov'),
    (6, 'Ada Lovelace'),
    (7, 'Grace Hopper'),
    (8, 'Edgar Codd'),
    (9, 'Michael Stonebraker'),
    (10, 'Barbara Liskov');
