-- ML_EMPLOYEES (HCM): one row for each JOB row of a person, the current one and those of later days.
-- Enter it in Query Manager as a public query. Query Manager adds "EFFDT <= current date" to each effective-dated
-- record by itself: replace it on JOB (A) with the criterion below, and keep it for B, C and D.
-- Prompts, in this order, none of them required to be filled:
--   :1 FROM_DTTM    DateTime   first change stamp        (empty in a full read)
--   :2 TO_DTTM      DateTime   last change stamp, inclusive
--   :3 LAST_EMPLID  Character 11   rows after this EMPLID  (paging)
--   :4 EMPLID       Character 11   only this person        (for `ml-connector sync --key`)
-- Never add national ids, birth dates, pay, bank or tax columns.
SELECT A.EMPLID, A.EMPL_RCD, A.EFFDT, A.EFFSEQ,
       D.NAME_DISPLAY, D.FIRST_NAME, D.LAST_NAME, E.EMAIL_ADDR, F.PHONE,
       A.DEPTID, A.SETID_DEPT, B.DESCR AS DEPT_DESCR, A.JOBCODE, C.DESCR AS JOB_TITLE,
       A.POSITION_NBR, A.SUPERVISOR_ID, A.HR_STATUS, A.EMPL_STATUS, A.PER_ORG, A.JOB_INDICATOR,
       A.LOCATION, A.COMPANY, A.LAST_HIRE_DT, A.TERMINATION_DT, A.LASTUPDDTTM
  FROM PS_JOB A
  LEFT OUTER JOIN PS_DEPT_TBL B
    ON B.SETID = A.SETID_DEPT AND B.DEPTID = A.DEPTID
   AND B.EFFDT = (SELECT MAX(B1.EFFDT) FROM PS_DEPT_TBL B1
                   WHERE B1.SETID = B.SETID AND B1.DEPTID = B.DEPTID AND B1.EFFDT <= %CurrentDateIn)
  LEFT OUTER JOIN PS_JOBCODE_TBL C
    ON C.SETID = A.SETID_JOBCODE AND C.JOBCODE = A.JOBCODE
   AND C.EFFDT = (SELECT MAX(C1.EFFDT) FROM PS_JOBCODE_TBL C1
                   WHERE C1.SETID = C.SETID AND C1.JOBCODE = C.JOBCODE AND C1.EFFDT <= %CurrentDateIn)
  LEFT OUTER JOIN PS_NAMES D
    ON D.EMPLID = A.EMPLID AND D.NAME_TYPE = 'PRI'
   AND D.EFFDT = (SELECT MAX(D1.EFFDT) FROM PS_NAMES D1
                   WHERE D1.EMPLID = D.EMPLID AND D1.NAME_TYPE = D.NAME_TYPE AND D1.EFFDT <= %CurrentDateIn)
  LEFT OUTER JOIN PS_EMAIL_ADDRESSES E
    ON E.EMPLID = A.EMPLID AND E.E_ADDR_TYPE = 'BUSN'
  LEFT OUTER JOIN PS_PERSONAL_PHONE F
    ON F.EMPLID = A.EMPLID AND F.PHONE_TYPE = 'BUSN'
 WHERE (A.EFFDT > %CurrentDateIn
    OR (A.EFFDT = (SELECT MAX(A1.EFFDT) FROM PS_JOB A1
                    WHERE A1.EMPLID = A.EMPLID AND A1.EMPL_RCD = A.EMPL_RCD AND A1.EFFDT <= %CurrentDateIn)
   AND  A.EFFSEQ = (SELECT MAX(A2.EFFSEQ) FROM PS_JOB A2
                    WHERE A2.EMPLID = A.EMPLID AND A2.EMPL_RCD = A.EMPL_RCD AND A2.EFFDT = A.EFFDT)))
   AND (:1 IS NULL OR A.LASTUPDDTTM >= :1)
   AND (:2 IS NULL OR A.LASTUPDDTTM <= :2)
   AND (:3 = ' ' OR A.EMPLID > :3)
   AND (:4 = ' ' OR A.EMPLID = :4)
 ORDER BY A.EMPLID, A.EMPL_RCD, A.EFFDT, A.EFFSEQ
