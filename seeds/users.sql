-- The users whose events are written: the homework's three, and more.
INSERT INTO pgchaos.users (id, name) VALUES
    (1, 'Иван Петров'),
    (2, 'Мария Сидорова'),
    (3, 'Алексей Козлов'),
    (4, 'Ольга Смирнова'),
    (5, 'Дмитрий Волков'),
    (6, 'Ada Lovelace'),
    (7, 'Grace Hopper'),
    (8, 'Edgar Codd'),
    (9, 'Michael Stonebraker'),
    (10, 'Barbara Liskov');
